"""The cells that were measured, and what all their reports have in common."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl.cell import Cell
from mtl.runtime.errors import UserError

Accuracies = dict[Cell, np.ndarray]


def read_accuracies(paths: Iterable[Path]) -> Accuracies:
    """The accuracy of every episode in percent, from the `episodes.csv` of cells.

    Raises:
        UserError: a file is not one.
    """
    return {Cell.of(path): read_csv(path, ["episode", "accuracy"])["accuracy"].to_numpy(float) for path in paths}


def read_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    """Reads a CSV file that must have certain columns.

    Raises:
        UserError: it is missing, damaged or has others.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: {error}") from None
    if missing := [name for name in columns if name not in table]:
        raise UserError(f"{path}: has no column {missing[0]!r}")
    return table


def notes(plan: dict[str, Any]) -> list[str]:
    """The remarks on the experiment and on its datasets."""
    return [note for note in (plan["note"], *(entry["note"] for entry in plan["datasets"].values())) if note]


def heading(plan: dict[str, Any]) -> list[str]:
    """Title and remarks of a report."""
    return [f"# {plan['title']}", "", *(f"**{note}**\n" for note in notes(plan))]


def markdown_table(heads: list[str], rows: Iterable[list[str]]) -> list[str]:
    """A Markdown table; all columns but the first are aligned to the right."""
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
    return lines + [f"| {' | '.join(row)} |" for row in rows]
