"""How a cell's number came to be, from the archive to the accuracy."""

import json
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mtl.reporting.cell_records import cell_at
from mtl.reporting.commands import Options, make_again, recorded_options
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record, sha256
from mtl.specs.reading import flat

AGAIN = "to make it again: "


def explain(folder: Path) -> None:
    """Prints how a cell's number came to be, and the command that makes it again.

    Args:
        folder: the cell's folder, `<results>/dataset/backbone/seed0/method/5way-1shot`, or a file in it.

    Raises:
        UserError: it is not the folder of a cell, or has no number.
    """
    sys.stdout.write("".join(f"{line}\n" for line in explained(folder)))


def explained(
    folder: Path, options: Options | None = None, digest_of: Callable[[Path], str] | None = None
) -> Iterator[str]:
    """The lines of `explain`; the last one is the command that makes the number again.

    Args:
        folder: as for `explain`.
        options: the options of the experiment; by default those that the manifest names.
        digest_of: the SHA-256 of a file. Cells read the same images, so whoever explains many caches it.
    """
    # Relative, because the last line names targets, which Snakemake knows relative to the project.
    results, cell = cell_at(folder)
    evaluation = results / cell.folder / "evaluation.json"
    accuracy, ci95, episodes = (_number(evaluation, key) for key in ("accuracy", "ci95", "episodes"))
    task = f"{cell.way}-way {cell.shot}-shot"
    steps = "" if read_record(evaluation, "steps") is None else f", {_steps(_number(evaluation, 'steps'))}"
    yield f"{accuracy:.2f} ± {ci95:.2f} % over {episodes} test episodes, {task}{steps}"
    # Every stage reads the images, too.
    digest_of = digest_of or cache(sha256)
    yield from _provenance("evaluated", evaluation, digest_of)
    inputs = read_record(evaluation, "provenance", "inputs")
    if "model" in inputs:
        training = _beside(evaluation, "model", "training.json")
        yield (
            f"model of iteration {_number(training, 'selected_iteration')}, "
            f"{_number(training, 'validation_accuracy'):.2f} % on validation episodes"
        )
        yield from _provenance("meta-trained", training, digest_of)
    if "pretrained" in inputs:
        pretraining = _beside(evaluation, "pretrained", "summary.json")
        yield f"Θ of {_number(pretraining, 'parameters')} parameters"
        yield from _provenance("pre-trained", pretraining, digest_of)
    yield from _origin(_beside(evaluation, "images", "summary.json"))
    if options is None:
        manifest = results / "manifest.json"
        options = recorded_options(manifest) if manifest.is_file() else Options()
    model = Path(inputs["model"]["path"]) if "model" in inputs else None
    yield f"{AGAIN}{make_again(evaluation, model, options)}"


def _steps(count: int) -> str:
    return f"{count} inner step{'' if count == 1 else 's'}"


def _beside(record: Path, role: str, name: str) -> Path:
    """The file called `name` beside an input of a stage."""
    return Path(str(read_record(record, "provenance", "inputs", role, "path"))).with_name(name)


def _number(record: Path, key: str) -> Any:
    value = read_record(record, key)
    if not isinstance(value, int | float):
        raise UserError(f"{record}: {key}: {value!r} is not a number; delete it and run again")
    return value


def _provenance(verb: str, record: Path, digest_of: Callable[[Path], str]) -> Iterator[str]:
    commit, dirty = (read_record(record, "provenance", "git", key) for key in ("commit", "dirty"))
    code, device, dtype = (read_record(record, "provenance", key) for key in ("code", "device", "dtype"))
    torch = read_record(record, "provenance", "packages", "torch")
    at = f"{str(commit or 'unknown')[:12]}{' with changes' if dirty else ''}"
    yield f"  {verb} at commit {at}, code {code}, on {device} in {dtype}, torch {torch}"
    spec = flat(read_record(record, "provenance", "spec"))
    settings = ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in spec.items())
    yield from textwrap.wrap(f"with {settings}", width=116, initial_indent="  ", subsequent_indent="    ")
    for role in read_record(record, "provenance", "inputs"):
        path, digest = (read_record(record, "provenance", "inputs", role, key) for key in ("path", "sha256"))
        if not (file := Path(path)).is_file():
            now = ", which is not there any more"
        else:
            now = "" if digest_of(file) == digest else ", which says something else now"
        yield f"  from {role} {digest[:16]} {path}{now}"


def _origin(summary: Path) -> Iterator[str]:
    """Where the images came from."""
    if not summary.is_file():
        yield f"images: {summary} is not there any more"
        return
    dataset, size, pixels = (read_record(summary, key) for key in ("dataset", "size", "sha256"))
    yield f"images of {dataset} at {size} px, pixels {pixels[:16]}"
    if read_record(summary, "source") is None:
        yield "  rendered"
        return
    files = read_record(summary, "source", "files")
    yield from (f"  from {name} {digest[:16]}" for name, digest in files.items())
    if not files:
        yield "  from a tree of images"
