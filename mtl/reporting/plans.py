"""What a report is to show, and which of its cells were made with other settings than the config asks."""

from pathlib import Path
from typing import Any

from mtl.experiment.cell import Cell
from mtl.reporting.images_asked import images_not_as_asked, other_images_since
from mtl.reporting.records import records_of
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_json, read_record
from mtl.specs.preparing import AskedImages
from mtl.specs.reading import digest_of, from_plain


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
    images = [from_plain(AskedImages, entry, "--plan: images") for entry in plan.get("images", [])]
    others = {entry.spec.dataset for entry in images if _are_others(entry)}
    stale = [
        folder
        for folder in asked
        if Cell.in_folder(folder).dataset in others or _is_stale(folder, asked[folder], results)
    ]
    return {**plan, "stale": stale}


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


def _are_others(asked: AskedImages) -> bool:
    """Whether images were prepared otherwise than asked. If they are gone, nobody knows."""
    return any(problem != "missing" for _, problem in images_not_as_asked(asked))


def _is_stale(folder: str, asked: dict[str, str], results: Path) -> bool:
    records = records_of(folder, results)
    # A number without a record of how it was made is an error.
    evaluated = (results / folder / "episodes.csv").is_file()
    stages = [stage for stage in asked if evaluated or records[stage].is_file()]
    if any(digest_of(read_record(records[stage], "provenance", "spec")) != asked[stage] for stage in stages):
        return True
    return evaluated and other_images_since(records["evaluate"])
