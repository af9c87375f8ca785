"""The measurements in the cells of an experiment, for the claims."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from mtl.reporting.results import existing, read_accuracies, read_csv
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record

UNITS = {"iteration": "meta-batches", "tasks_seen": "tasks"}


class Evidence:
    """Accuracies, validation histories, numbers of learned values, devices and precisions, by cell."""

    def __init__(self, results: Path, cells: Collection[str]) -> None:
        """Reads the existing files of cells, given by their folders below `results`."""
        self.accuracies = read_accuracies(results, cells)
        self.histories = {cell: _history(path) for cell, path in existing(results, cells, "history.csv").items()}
        summaries = existing(results, cells, "training.json")
        self.learned = {cell: int(read_record(path, "learned_parameters")) for cell, path in summaries.items()}
        self.evaluated_on = {
            cell: _computed_on(path) for cell, path in existing(results, cells, "evaluation.json").items()
        }
        self.trained_on = {cell: _computed_on(path) for cell, path in summaries.items()}


def _history(path: Path) -> pd.DataFrame:
    """Validation accuracies, with how many meta-batches and tasks each model had seen."""
    history = read_csv(path, [], [*UNITS, "validation_accuracy"])
    # A row counts the tasks of its own iteration, but its validation came before them.
    validated = history.assign(tasks_seen=history["tasks_seen"].shift(fill_value=0)).dropna(
        subset=["validation_accuracy"]
    )
    if validated.empty:
        raise UserError(f"{path}: has no validation_accuracy; delete it and run again")
    return validated


def _computed_on(path: Path) -> tuple[str, str]:
    return read_record(path, "provenance", "device"), read_record(path, "provenance", "dtype")
