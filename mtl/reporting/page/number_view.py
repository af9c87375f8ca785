"""The section of a number: its cells, seed by seed, and how each came to be."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mtl.experiment.cell import Cell
from mtl.reporting.commands import Options, snakemake
from mtl.reporting.explain import AGAIN, explained
from mtl.reporting.page.cost import CELL_JOBS, duration, took
from mtl.reporting.page.curve_view import CurveView, curve_view
from mtl.reporting.page.table_view import NumberView, TableView, anchor_of
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record, sha256


@dataclass(frozen=True)
class CellView:
    """A cell: its state, and what its records say."""

    seed: int
    state: str
    facts: dict[str, str]
    command: str
    story: str


@dataclass(frozen=True)
class SectionView:
    """The section of a number. `shown` has each table that shows it, with its place there."""

    anchor: str
    label: str
    where: str
    shown: list[tuple[str, NumberView]]
    cells: list[CellView]
    curve: CurveView | None
    settings: dict[str, list[str]]

    @property
    def facts(self) -> dict[str, list[str]]:
        """What the records of its cells say, by name, one value per cell."""
        names = dict.fromkeys(name for cell in self.cells for name in cell.facts)
        return {name: [cell.facts.get(name, "–") for cell in self.cells] for name in names}

    @property
    def outcome(self) -> str:
        """The number as the tables have it, that of all seeds together."""
        number = next((number for _, number in self.shown if number.accuracy), None)
        if number is None:
            return ""
        seeds = f" (seeds ± {number.ci95_seeds})" if number.ci95_seeds else ""
        return f"{number.accuracy} ± {number.ci95} %{seeds}"


def section_views(
    plan: dict[str, Any], tables: list[TableView], states: dict[str, str], results: Path, benchmarks: Path
) -> list[SectionView]:
    """The sections of all numbers of the experiment, in the order of its cells.

    Args:
        plan: cells, settings, titles and labels, as `PagePlan.plan` returns them.
        tables: the tables, which say how each number compares with the printed one.
        states: of each cell, by folder: `measured`, or why there is no number.
        results: the folder of results.
        benchmarks: the folder of benchmarks.
    """
    settings = dict(zip(plan["asked"], plan["settings_of"], strict=True))
    options = Options([Path(file) for file in plan["options"][0]], plan["options"][1])
    digest_of = cache(sha256)
    several = len(plan["backbones"]) > 1
    grouped: dict[str, list[Cell]] = {}
    for cell in map(Cell.in_folder, plan["asked"]):
        name = anchor_of(cell.dataset, cell.backbone, cell.method, cell.way, cell.shot)
        grouped.setdefault(name, []).append(cell)
    sections = []
    for anchor, cells in grouped.items():
        first = cells[0]
        there = [cell for cell in cells if states[cell.folder] == "measured"]
        histories = {cell.seed: results / cell.folder / "history.csv" for cell in there}
        histories = {seed: path for seed, path in histories.items() if path.is_file()}
        chosen = {
            cell.seed: int(read_record(results / cell.folder / "training.json", "selected_iteration"))
            for cell in there
            if cell.seed in histories
        }
        where = f"{plan['datasets'][first.dataset]['title']}, {first.way}-way {first.shot}-shot"
        sections.append(
            SectionView(
                anchor=anchor,
                label=plan["labels"][first.method],
                where=where + (f", {plan['backbones'][first.backbone]}" if several else ""),
                shown=[(table.title, number) for table in tables for number in _in(table, anchor)],
                cells=[_cell(cell, states[cell.folder], results, benchmarks, options, digest_of) for cell in cells],
                curve=curve_view(histories, chosen),
                settings=plan["settings"][settings[first.folder]],
            )
        )
    return sections


def _in(table: TableView, anchor: str) -> list[NumberView]:
    return [number for row in table.rows for number in row.numbers if number is not None and number.anchor == anchor]


def _cell(
    cell: Cell, state: str, results: Path, benchmarks: Path, options: Options, digest_of: Callable[[Path], str]
) -> CellView:
    evaluation = results / cell.folder / "evaluation.json"
    if state != "measured":
        return CellView(cell.seed, state, {}, snakemake([evaluation], options), "")
    accuracy, ci95 = (float(read_record(evaluation, name)) for name in ("accuracy", "ci95"))
    try:
        *lines, last = explained(evaluation.parent, options, digest_of)
    except UserError as error:  # the records of an earlier stage are gone
        lines, last = [str(error)], snakemake([evaluation], options)
    return CellView(
        seed=cell.seed,
        state=state,
        facts={
            "accuracy": f"{accuracy:.2f} ± {ci95:.2f} %",
            **_choices(evaluation),
            **_cost(benchmarks / cell.folder),
        },
        command=last.removeprefix(AGAIN),
        story="\n".join(lines),
    )


def _choices(evaluation: Path) -> dict[str, str]:
    """What was chosen on validation, and how much was learned."""
    facts = {}
    steps = read_record(evaluation, "steps")
    training = evaluation.with_name("training.json")
    if training.is_file():
        at, reached, learned = (
            read_record(training, name) for name in ("selected_iteration", "validation_accuracy", "learned_parameters")
        )
        rate = read_record(training, "provenance", "spec", "meta_train", "learning_rate")
        facts = {
            "chosen iteration": f"{at:,}",
            "validation accuracy there": f"{reached:.2f} %",
            "meta learning rate": f"{rate:g}",
            "values learned": f"{learned:,}",
        }
    return facts if steps is None else {**facts, "inner steps at test": str(steps)}


def _cost(folder: Path) -> dict[str, str]:
    measured = {job: took(folder / f"{job}.jsonl") for job in CELL_JOBS}
    return {
        f"{job} took": duration(found[0]) + (f", {found[1]:,.0f} MB" if found[1] else "")
        for job, found in measured.items()
        if found is not None
    }
