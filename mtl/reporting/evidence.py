"""The measurements in the cells of an experiment, for the claims."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from mtl.experiment.cell import Cell
from mtl.reporting.results import existing, read_accuracies, read_csv
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record

UNITS = {"iteration": "meta-batches", "tasks_seen": "tasks"}


class Evidence:
    """Accuracies, validation histories, learned values, and how each stage was computed, by cell."""

    def __init__(self, results: Path, cells: Collection[str]) -> None:
        """Reads the existing files of cells, given by their folders below `results`."""
        self.accuracies = read_accuracies(results, cells)
        self.histories = {cell: validations(path) for cell, path in existing(results, cells, "history.csv").items()}
        summaries = existing(results, cells, "training.json")
        self.learned = {cell: int(read_record(path, "learned_parameters")) for cell, path in summaries.items()}
        # Only meta-trained methods have one. Iteration 0 is the start, which no meta-training has changed.
        self.selected_iteration = {
            cell: int(read_record(path, "selected_iteration")) for cell, path in summaries.items()
        }
        self.computed_on = {cell: _computed_on(results, cell) for cell in map(Cell.in_folder, cells)}


def validations(path: Path) -> pd.DataFrame:
    """The validations in a `history.csv`, with how many meta-batches and tasks each model had seen.

    Raises:
        UserError: it is damaged, or has none.
    """
    history = read_csv(path, [], [*UNITS, "validation_accuracy"])
    # A row counts the tasks of its own iteration, but its validation came before them.
    validated = history.assign(tasks_seen=history["tasks_seen"].shift(fill_value=0)).dropna(
        subset=["validation_accuracy"]
    )
    if validated.empty:
        raise UserError(f"{path}: has no validation_accuracy; delete it and run again")
    return validated


def _computed_on(results: Path, cell: Cell) -> dict[str, tuple[str, str]]:
    """Device and precision of each stage that made a cell."""
    folder = results / cell.folder
    records = {"evaluation": folder / "evaluation.json", "meta-training": folder / "training.json"}
    there = {stage: path for stage, path in records.items() if path.is_file()}
    # The folder may hold a pre-training that this method does not use.
    if any("pretrained" in read_record(path, "provenance", "inputs") for path in there.values()):
        there["pre-training"] = results / cell.pretraining / "pretrain" / "summary.json"
    return {
        stage: (read_record(path, "provenance", "device"), read_record(path, "provenance", "dtype"))
        for stage, path in there.items()
    }
