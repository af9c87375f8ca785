"""`manifest.json`: the checksum of every file of an experiment, and what has gone wrong with them since."""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from mtl.data.source import LOOK_AGAIN
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_json, read_record, sha256, write_json
from mtl.runtime.fingerprint import fingerprint

# The records that stages write beside their results.
RECORDS = frozenset({"summary.json", "training.json", "evaluation.json"})
# How problems end that Snakemake notices by itself.
NOTICED = (" has been replaced since", " is missing", "the code has changed since")


def write_manifest(plan_text: str, results: Path, output: Path) -> None:
    """Lists every file of an experiment with its SHA-256, from the sources of its images to tables and figures.

    Args:
        plan_text: folders, reports, sources and config files, as `Inventory.manifest` returns them.
        results: the folder of results.
        output: `manifest.json`.
    """
    plan = read_json(plan_text, "--plan")
    found = [path for folder in plan["folders"] for path in (results / folder).glob("[!.]*")]
    found += [path for report in plan["reports"] for path in results.glob(f"{report}.*")]
    found += map(Path, plan["sources"])
    files = sorted(path for path in found if path.is_file())
    content = {"results": str(results), "configfiles": plan["configfiles"], "configs": plan["configs"]}
    write_json(
        output, content | {"files": {str(path): sha256(path) for path in files}, "archives": dict(_archives(files))}
    )


def _archives(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """The archives that images came from, by path, with their SHA-256 when they were verified."""
    for path in files:
        if path.name == "source.json":
            root = read_record(path, "root")
            yield from ((str(Path(root, name)), digest) for name, digest in read_record(path, "files").items())


def problems_of(results: Path) -> Iterator[tuple[Path, str]]:
    """What is wrong with the results, file by file: missing, changed, or made by other code or from other inputs.

    A missing archive is no problem once its images are prepared.

    Raises:
        UserError: there is no manifest, or it is that of another folder.
    """
    manifest = results / "manifest.json"
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        files: dict[str, str] = dict(content["files"])
        archives: dict[str, str] = dict(content["archives"])
        place = Path(content["results"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{manifest}: there is no manifest; build it with snakemake {manifest}") from None
    if place != results:
        raise UserError(f"{manifest}: is the manifest of {place}; verify that, from the folder of the project")
    digest_of = cache(_digest)
    for path, digest in ((Path(name), digest) for name, digest in (files | archives).items()):
        found = digest_of(path)
        if found is None:
            if str(path) in files:
                yield path, "missing"
        elif found != digest and str(path) in archives:
            yield path, f"changed since its images were prepared; {LOOK_AGAIN}"
        elif found != digest:
            yield path, "changed since the manifest was written"
        elif path.name in RECORDS and place in path.parents:
            yield from ((path, f"stale: {reason}") for reason in _stale(path, digest_of))


def _digest(path: Path) -> str | None:
    return sha256(path) if path.is_file() else None


def _stale(record: Path, digest_of: Callable[[Path], str | None]) -> Iterator[str]:
    """Reasons why what a stage wrote is out of date."""
    try:
        made, written = (dict(read_record(record, key)) for key in ("provenance", "outputs"))
        inputs = [(role, Path(entry["path"]), entry["sha256"]) for role, entry in made["inputs"].items()]
        code = str(made["code"])
        entries = [str(entry) for entry in made["entries"]]
    except (UserError, AttributeError, KeyError, TypeError, ValueError):
        yield "it does not say how it was made"
        return
    for role, path, digest in inputs:
        if (now := digest_of(path)) != digest:
            yield f"{path} (its {role}) {'is missing' if now is None else 'has been replaced since'}"
    for name, digest in written.items():
        if (now := digest_of(record.with_name(name))) != digest:
            yield f"{name} {'is not there' if now is None else 'is not what it says was written'}"
    if _now(entries) != code:
        yield "the code has changed since"


def _now(entries: list[str]) -> str | None:
    """The current fingerprint of entry points, None if one is gone."""
    try:
        return fingerprint(*entries)
    except ValueError:
        return None
