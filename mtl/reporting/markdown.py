"""What the pages of all reports have in common."""

from collections.abc import Iterable
from typing import Any


def notes(plan: dict[str, Any]) -> list[str]:
    """The remarks on the experiment and on its datasets."""
    return [note for note in (plan["note"], *(entry["note"] for entry in plan["datasets"].values())) if note]


def heading(plan: dict[str, Any]) -> list[str]:
    """Title and remarks of a report."""
    return [f"# {plan['title']}", "", *(f"**{note}**\n" for note in notes(plan))]


def markdown_table(heads: list[str], rows: Iterable[list[str]]) -> list[str]:
    """A Markdown table; all columns but the first are aligned to the right."""
    return [_line(heads), "|---|" + "---:|" * (len(heads) - 1), *map(_line, rows)]


def _line(cells: list[str]) -> str:
    """A row. Titles and labels come from the config; a bar or the end of a line in them would end the cell."""
    shown = [" ".join(cell.splitlines()).replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(shown)} |"
