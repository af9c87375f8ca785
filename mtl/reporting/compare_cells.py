"""`mtl compare`: two cells over the same test episodes, on a page of plain text."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtl.evaluation.interval import mean_and_ci95
from mtl.reporting.cell_records import STAGES, CellRecords, read_cell
from mtl.reporting.results import read_accuracies
from mtl.reporting.settings import different
from mtl.reporting.show_cell import WIDEST, wrapped
from mtl.reporting.text_plot import histogram
from mtl.runtime.errors import UserError

# What both must have been tested on, from the general to the particular: the images, then the episodes drawn from them.
SAME_FILES = {"images": "images", "split": "split into classes", "test_episodes": "test episodes"}
OF_THESE_MODELS = (
    "± is the 95 % interval 1.96 s/√n of the differences over episodes: these two models, one seed each. What another "
    "seed would change is not in it, so it says nothing about the methods (docs/statistics.md)."
)


def compare(first: Path, second: Path) -> None:
    """Prints the difference of two cells over the same test episodes, and the settings in which they differ.

    Args:
        first: a cell's folder, or a file in it.
        second: another one; its accuracies are subtracted from those of the first.

    Raises:
        UserError: one is not a cell, is not evaluated, or was tested on other tasks.
    """
    width = min(shutil.get_terminal_size().columns, WIDEST)
    sys.stdout.write("".join(f"{line}\n" for line in compared_cells(first, second, width)))


def compared_cells(first: Path, second: Path, width: int) -> Iterator[str]:
    """The lines of `compare`, of at most `width` characters."""
    cells = one, other = read_cell(first), read_cell(second)
    check_same_tasks(one, other)
    ours, theirs = _accuracies(one), _accuracies(other)
    if len(ours) != len(theirs):
        raise UserError(f"{first} and {second}: not the same test episodes: {len(ours)} and {len(theirs)} of them")
    for head, cell, values in zip(("first", "second"), cells, (ours, theirs), strict=True):
        mean, ci95 = mean_and_ci95(values)
        yield from wrapped(head, f"{mean:.2f} ± {ci95:.2f} %  {cell.name}", width)
        yield from wrapped("", str(cell.folder), width)
    differences = ours - theirs
    mean, ci95 = mean_and_ci95(differences)
    over = f"percentage points over the same {len(differences)} test episodes"
    yield from wrapped("difference", f"first − second: {mean:+.2f} ± {ci95:.2f} {over}", width)
    for remark in (OF_THESE_MODELS, *_remarks(one, other)):
        yield from wrapped("", remark, width)
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    ties = len(differences) - wins - losses
    yield from wrapped("episodes", f"the first is better in {wins}, the second in {losses}, equal in {ties}", width)
    yield from ["", "first − second in percentage points, episodes"]
    yield from histogram(differences, width)
    yield from ["", *_settings(one, other, width)]


def check_same_tasks(first: CellRecords, second: CellRecords) -> None:
    """Checks that two cells were tested on the same episodes of the same images.

    Raises:
        UserError: they were not; it says what differs.
    """
    pair = f"{first.folder} and {second.folder}"
    for cell in (first, second):
        if "evaluate" not in cell.records:
            raise UserError(f"{cell.folder / 'evaluation.json'}: is not there; build it with snakemake")
    tasks = [f"{cell.cell.way}-way {cell.cell.shot}-shot" for cell in (first, second)]
    if tasks[0] != tasks[1]:
        raise UserError(f"{pair}: not the same tasks: {' and '.join(tasks)}")
    for role, what in SAME_FILES.items():
        if first.digest("evaluate", role) != second.digest("evaluate", role):
            raise UserError(f"{pair}: not the same {what}, so their accuracies cannot be paired{_why(first, second)}")


def _why(first: CellRecords, second: CellRecords) -> str:
    """The parts of the cells' names that explain it, if any do."""
    parts = {name: (getattr(first.cell, name), getattr(second.cell, name)) for name in ("dataset", "seed")}
    said = [f"{name} {was} and {now}" for name, (was, now) in parts.items() if was != now]
    return f": {', '.join(said)}" if said else ""


def _accuracies(cell: CellRecords) -> np.ndarray:
    """(episodes,) in percent."""
    found = read_accuracies(cell.results, [cell.cell.folder])
    if cell.cell not in found:
        raise UserError(f"{cell.folder / 'episodes.csv'}: is not there; build it with snakemake")
    return found[cell.cell]


def _remarks(first: CellRecords, second: CellRecords) -> Iterator[str]:
    """What a reader of the difference should know besides."""
    for name, cell in (("first", first), ("second", second)):
        if cell.records.get("meta_train", {}).get("selected_iteration") == 0:
            yield f"The {name} is the model of iteration 0: meta-training has not changed it."
    both = [stage for stage in first.records if stage in second.records]
    for stage in both:
        made = [[cell.records[stage]["provenance"].get(key) for key in ("device", "dtype")] for cell in (first, second)]
        if made[0] != made[1]:
            yield f"Their {STAGES[stage]} ran on different devices or in different precisions."
    if first.digest("evaluate", "pretrained") != second.digest("evaluate", "pretrained"):
        yield "They do not start from the same Θ."


def _settings(first: CellRecords, second: CellRecords, width: int) -> Iterator[str]:
    for stage, name in STAGES.items():
        if (stage in first.records) != (stage in second.records):
            yield f"only the {'first' if stage in first.records else 'second'} has a {name}"
    found = list(different(first.specs(), second.specs()))
    yield "settings that differ: first, second" if found else "no settings differ"
    longest = max((len(name) for name, _, _ in found), default=0)
    for name, was, now in found:
        yield from wrapped(f"{name:<{longest}}", f"{was}, {now}", width, 2)
