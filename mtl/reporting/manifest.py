"""`manifest.json`: the checksum of every file of an experiment, and what is wrong with them now."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mtl.runtime.errors import UserError
from mtl.runtime.files import read_json, read_record, sha256, write_json

# The records of stages, which name their inputs.
RECORDS = ("/pretrain/summary.json", "/training.json", "/evaluation.json")


def write_manifest(layout: str, results: Path, output: Path) -> None:
    """Lists every file of an experiment with its SHA-256, from the sources of its images to tables and figures.

    Args:
        layout: datasets, image size, names of reports and config files, as `Layouts.manifest` gives them.
        results: the folder of results.
        output: `manifest.json`.
    """
    plan = read_json(layout, "--layout")
    files = sorted(path for path in _files(plan, results) if path.is_file())
    content = {"configfiles": plan["configfiles"], "files": {str(path): sha256(path) for path in files}}
    write_json(output, content | {"archives": _archives(files)})


def _files(plan: dict[str, Any], results: Path) -> Iterator[Path]:
    for name in plan["reports"]:
        yield from results.glob(f"{name}.*")
    for dataset in plan["datasets"]:
        resources = Path("resources", dataset)
        yield from (resources / "source.json", resources / "split.csv")
        yield from (resources / f"{plan['image_size']}px").iterdir()
        yield from (path for path in (results / dataset).rglob("*") if not path.name.startswith("."))


def _archives(files: Iterable[Path]) -> dict[str, str]:
    """The archives that images came from, by path, with their SHA-256 when they were verified."""
    found: dict[str, str] = {}
    for path in files:
        if path.name == "source.json":
            root = read_record(path, "root")
            found |= {str(Path(root, name)): digest for name, digest in read_record(path, "files").items()}
    return found


def verified(results: Path) -> Iterator[str]:
    """What is wrong with the results, one line each: missing, changed, or made from other inputs than there are now.

    Raises:
        UserError: there is no manifest.
    """
    manifest = results / "manifest.json"
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        recorded: dict[str, str] = content["files"] | content["archives"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{manifest}: there is no manifest; build it with snakemake {manifest}") from None
    records = []
    for name, digest in recorded.items():
        path = Path(name)
        if not path.is_file():
            yield f"{path}: missing"
        elif sha256(path) != digest:
            yield f"{path}: changed since the manifest was written"
        elif name.endswith(RECORDS):
            records.append(path)
    for record in records:
        yield from _stale(record, set(recorded.values()))


def _stale(record: Path, known: set[str]) -> Iterator[str]:
    """The inputs of a stage that are no files of the experiment any more."""
    for role, digest in read_record(record, "provenance", "inputs").items():
        if digest not in known:
            yield f"{record.parent}: stale: its {role} has been replaced since"
