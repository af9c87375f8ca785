"""Which model of each meta-training was chosen, beside the last one, by their accuracy on the episodes that choose."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mtl.experiment.cell import Cell
from mtl.reporting.evidence import validations
from mtl.reporting.results import existing
from mtl.runtime.files import read_record

COLUMNS = ("selected_iteration", "validation_accuracy", "last_iteration", "last_validation_accuracy")


class Chosen(NamedTuple):
    """A model that was chosen, and the last one of its meta-training; accuracies in percent."""

    iteration: int
    accuracy: float
    last_iteration: int
    last_accuracy: float


def read_chosen(results: Path, folders: Iterable[str]) -> dict[Cell, Chosen]:
    """The models of the cells that were meta-trained, given by their folders.

    Raises:
        UserError: a record or a history is damaged.
    """
    folders = list(folders)
    records = existing(results, folders, "training.json")
    found = {}
    for cell, path in existing(results, folders, "history.csv").items():
        if cell in records:
            at, reached = (read_record(records[cell], key) for key in COLUMNS[:2])
            last = validations(path).iloc[-1]
            found[cell] = Chosen(int(at), float(reached), int(last["iteration"]), float(last["validation_accuracy"]))
    return found


def columns_of(models: list[Chosen]) -> dict[str, str]:
    """The columns of a table for one cell per seed."""
    shown = [(str(m.iteration), f"{m.accuracy:.2f}", str(m.last_iteration), f"{m.last_accuracy:.2f}") for m in models]
    return {name: "; ".join(values) for name, values in zip(COLUMNS, zip(*shown, strict=True), strict=True)}


def in_words(line: "pd.Series[str]") -> str:
    """What the page of a table says of one of its places: `250: 73.10 (last 300: 72.90)`, seed by seed."""
    if not line["selected_iteration"]:
        return ""
    seeds = zip(*(line[name].split("; ") for name in COLUMNS), strict=True)
    return ", ".join(f"{at}: {reached} (last {last}: {then})" for at, reached, last, then in seeds)
