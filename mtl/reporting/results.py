"""Reads the files in the folders of measured cells."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mtl.experiment.cell import Cell
from mtl.runtime.errors import UserError

Accuracies = dict[Cell, np.ndarray]


def existing(results: Path, cells: Iterable[str], name: str) -> dict[Cell, Path]:
    """The files called `name` of those cells, given by their folders, that have one."""
    paths = {Cell.in_folder(folder): results / folder / name for folder in cells}
    return {cell: path for cell, path in paths.items() if path.is_file()}


def read_accuracies(results: Path, cells: Iterable[str]) -> Accuracies:
    """The accuracy of every episode in percent, for the cells that were evaluated.

    Raises:
        UserError: an `episodes.csv` is malformed.
    """
    found = {}
    for cell, path in existing(results, cells, "episodes.csv").items():
        accuracies = read_csv(path, [], ["accuracy"])["accuracy"].to_numpy(float)
        if len(accuracies) < 2 or not ((accuracies >= 0) & (accuracies <= 100)).all():
            raise UserError(f"{path}: accuracy: expected at least two numbers from 0 to 100; delete it and run again")
        found[cell] = accuracies
    return found


def read_csv(path: Path, text: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    """Reads a CSV file that must have certain columns of text and of numbers; a missing number is NaN.

    Raises:
        UserError: it is missing, damaged, has other columns or text where a number should be.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: {error}") from None
    if not isinstance(table.index, pd.RangeIndex):
        raise UserError(f"{path}: line 2: has more values than there are columns")
    if missing := [name for name in (*text, *numbers) if name not in table]:
        raise UserError(f"{path}: has no column {missing[0]!r}")
    for name in numbers:
        values = pd.to_numeric(table[name], errors="coerce")
        if (wrong := values.isna() & table[name].notna()).any():
            row = int(wrong.to_numpy().argmax())
            raise UserError(f"{path}: line {row + 2}: {name}: {table[name][row]!r} is not a number")
        table[name] = values
    return table.assign(**{name: table[name].fillna("") for name in text})
