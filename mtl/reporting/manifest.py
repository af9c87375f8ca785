"""`manifest.json`: the checksum of every file of an experiment, and what is wrong with them now."""

import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mtl.fingerprint import fingerprint, of_stage
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_json, read_record, sha256, write_json

# The records of stages, and the modules that made them.
STAGES = {
    "summary.json": "training.pretrain",
    "training.json": "training.meta_train",
    "evaluation.json": "evaluation.evaluate",
}


def write_manifest(layout: str, results: Path, output: Path) -> None:
    """Lists every file of an experiment with its SHA-256, from the sources of its images to tables and figures.

    Args:
        layout: folders, reports, sources and config files, as `Layouts.manifest` gives them.
        results: the folder of results.
        output: `manifest.json`.
    """
    plan = read_json(layout, "--layout")
    found = [path for folder in plan["folders"] for path in (results / folder).glob("[!.]*")]
    found += [path for report in plan["reports"] for path in results.glob(f"{report}.*")]
    found += map(Path, plan["sources"])
    files = sorted(path for path in found if path.is_file())
    content = {"results": str(results), "configfiles": plan["configfiles"]}
    write_json(
        output, content | {"files": {str(path): sha256(path) for path in files}, "archives": dict(_archives(files))}
    )


def _archives(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """The archives that images came from, by path, with their SHA-256 when they were verified."""
    for path in files:
        if path.name == "source.json":
            root = read_record(path, "root")
            yield from ((str(Path(root, name)), digest) for name, digest in read_record(path, "files").items())


def verify(results: Path) -> None:
    """Recomputes all checksums and prints what is wrong, and the manifest's own checksum.

    Raises:
        UserError: there is no manifest, or something is wrong.
    """
    problems = list(problems_of(results))
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    manifest = results / "manifest.json"
    sys.stdout.write(f"{manifest}: sha256 {sha256(manifest)}\n")
    if problems:
        raise UserError(
            f"{results}: {len(problems)} problems; delete what has been changed, and `snakemake` makes it again, and "
            "what is missing or stale too"
        )


def problems_of(results: Path) -> Iterator[str]:
    """What is wrong with the results, one line each: missing, changed, or made from other inputs than there are now.

    Raises:
        UserError: there is no manifest, or it is that of another folder.
    """
    manifest = results / "manifest.json"
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        recorded: dict[str, str] = content["files"] | content["archives"]
        place = Path(content["results"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{manifest}: there is no manifest; build it with snakemake {manifest}") from None
    if place != results:
        raise UserError(f"{manifest}: is the manifest of {place}; verify that, from the folder of the project")
    digest_of = cache(_digest)
    for name, digest in recorded.items():
        path = Path(name)
        if digest_of(path) is None:
            yield f"{path}: missing"
        elif digest_of(path) != digest:
            yield f"{path}: changed since the manifest was written"
        elif path.name in STAGES and place in path.parents:
            for reason in _stale(path, digest_of):
                yield f"{path.parent}: stale: {reason}"


def _digest(path: Path) -> str | None:
    return sha256(path) if path.is_file() else None


def _stale(record: Path, digest_of: Any) -> Iterator[str]:
    """Why what a stage wrote is not what it would write now."""
    for role in read_record(record, "provenance", "inputs"):
        path, digest = (read_record(record, "provenance", "inputs", role, key) for key in ("path", "sha256"))
        if digest_of(Path(path)) != digest:
            yield f"its {role} {path} has been replaced since"
    for name, digest in read_record(record, "outputs").items():
        if digest_of(record.with_name(name)) != digest:
            yield f"{name} is not what {record.name} says was written"
    spec = read_record(record, "provenance", "spec")
    learner = spec.get("method", {}).get("learner")
    if fingerprint(*of_stage(STAGES[record.name], spec["network"]["name"], learner)) != read_record(
        record, "provenance", "code"
    ):
        yield "the code has changed since"
