"""What a report is to show, and which of its cells were made with other settings than the config asks."""

from pathlib import Path
from typing import Any

from mtl.experiment.cell import Cell
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_json, read_record
from mtl.specs.reading import digest_of


def read_plan(text: str, results: Path) -> dict[str, Any]:
    """The plan of a report.

    Snakemake goes by its own records and by times, which may be lost or set by hand. So a report compares what each
    cell says it was made with, in its own records, with what the config asks. `stale` holds the cells, by folder, that
    differ.

    Raises:
        UserError: the text is not JSON, or the record of a cell is damaged.
    """
    plan: dict[str, Any] = read_json(text, "--plan")
    asked = plan.get("asked", {})
    return {**plan, "stale": [folder for folder in asked if _is_stale(folder, asked[folder], results)]}


def not_stale(plan: dict[str, Any]) -> list[str]:
    """The folders of the cells of a plan that are not stale."""
    return [folder for folder in plan["cells"] if folder not in plan["stale"]]


def current(plan: dict[str, Any]) -> list[str]:
    """The same for a figure, which cannot say of a cell that it is stale.

    Raises:
        UserError: all are.
    """
    folders = not_stale(plan)
    if plan["cells"] and not folders:
        raise UserError(
            f"{plan['title']}: all cells were made with other settings than the config asks; run snakemake without "
            "--touch, so that it makes them again"
        )
    return folders


def records_of(folder: str, results: Path) -> dict[str, Path]:
    """Where the stages behind a cell, given by its folder, say how they were made."""
    cell = results / folder
    return {
        "evaluate": cell / "evaluation.json",
        "meta_train": cell / "training.json",
        "pretrain": results / Cell.in_folder(folder).pretraining / "pretrain" / "summary.json",
    }


def _is_stale(folder: str, asked: dict[str, str], results: Path) -> bool:
    records = records_of(folder, results)
    # A number without a record of how it was made is an error.
    evaluated = (results / folder / "episodes.csv").is_file()
    stages = [stage for stage in asked if evaluated or records[stage].is_file()]
    return any(digest_of(read_record(records[stage], "provenance", "spec")) != asked[stage] for stage in stages)
