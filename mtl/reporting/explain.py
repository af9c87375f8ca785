"""How a cell's number came to be, from the archive to the accuracy."""

from collections.abc import Iterator
from pathlib import Path

from mtl.cell import Cell
from mtl.runtime.files import read_record


def explained(folder: Path) -> Iterator[str]:
    """How a cell's number came to be, line by line, and the command that makes it again.

    Args:
        folder: the cell's folder, `<results>/dataset/backbone/seed0/method/5way-1shot`.

    Raises:
        UserError: it is not the folder of a cell, or has no number.
    """
    cell = Cell.in_folder("/".join(folder.parts[-5:]))
    results = folder.parents[4]
    evaluation = folder / "evaluation.json"
    accuracy, ci95, episodes, steps = (
        read_record(evaluation, key) for key in ("accuracy", "ci95", "episodes", "steps")
    )
    task = f"{cell.way}-way {cell.shot}-shot"
    yield f"{accuracy:.2f} ± {ci95:.2f} % over {episodes} test episodes, {task}, {steps} inner steps"
    yield from _provenance("evaluated", evaluation)
    training = folder / "training.json"
    if training.is_file():
        iteration, validation = (read_record(training, key) for key in ("selected_iteration", "validation_accuracy"))
        yield f"model of iteration {iteration}, {validation:.2f} % on validation episodes"
        yield from _provenance("meta-trained", training)
    pretraining = folder.parents[1] / "pretrain/summary.json"
    if read_record(evaluation, "provenance", "spec", "method", "pretrained"):
        yield f"Θ of {read_record(pretraining, 'parameters')} parameters"
        yield from _provenance("pre-trained", pretraining)
    yield from _origin(evaluation, cell)
    configs = _configfiles(results)
    yield f"to make it again: snakemake --cores 2 {evaluation}{configs} --forcerun meta_train evaluate"


def _provenance(verb: str, record: Path) -> Iterator[str]:
    facts = read_record(record, "provenance")
    commit = (facts["git"]["commit"] or "unknown")[:12] + (" with changes" if facts["git"]["dirty"] else "")
    where = f"on {facts['device']} in {facts['dtype']}, torch {facts['packages']['torch']}"
    yield f"  {verb} at commit {commit}, code {facts['code']}, {where}"
    yield from (f"  from {role} {digest[:16]}" for role, digest in facts["inputs"].items())


def _origin(evaluation: Path, cell: Cell) -> Iterator[str]:
    """Where the images came from, if they are still the ones that were used."""
    size = read_record(evaluation, "provenance", "spec", "network", "image_size")
    summary = Path("resources", cell.dataset, f"{size}px", "summary.json")
    if not summary.is_file():
        yield f"images: {summary} is not there any more"
        return
    yield f"images of {cell.dataset} at {size} px, pixels {read_record(summary, 'sha256')[:16]}"
    source = read_record(summary, "source")
    if source is None:
        yield "  rendered"
    else:
        yield from (f"  from {name} {digest[:16]}" for name, digest in source["files"].items())


def _configfiles(results: Path) -> str:
    manifest = results / "manifest.json"
    files = read_record(manifest, "configfiles") if manifest.is_file() else []
    return f" --configfile {' '.join(files)}" if files else ""
