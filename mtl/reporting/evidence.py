"""What the cells of an experiment measured, for the claims."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mtl.cell import Cell
from mtl.reporting.cells import read_accuracies, read_csv
from mtl.runtime.files import read_json

UNITS = {"iteration": "meta-batches", "tasks_seen": "tasks"}


class Evidence:
    """Everything that was measured, by cell."""

    def __init__(self, files: Iterable[Path]) -> None:
        """Takes the `episodes.csv`, `evaluation.json`, `history.csv` and `training.json` of cells."""
        by_name: dict[str, list[Path]] = {}
        for path in files:
            by_name.setdefault(path.name, []).append(path)
        self.accuracies = read_accuracies(by_name.get("episodes.csv", []))
        self.histories = {
            Cell.of(path): read_csv(path, [*UNITS, "validation_accuracy"]).dropna(subset=["validation_accuracy"])
            for path in by_name.get("history.csv", [])
        }
        self.learned = {
            Cell.of(path): int(_json(path)["learned_parameters"]) for path in by_name.get("training.json", [])
        }
        self.computed = {
            Cell.of(path): (_json(path)["provenance"]["device"], _json(path)["provenance"]["dtype"])
            for path in by_name.get("evaluation.json", [])
        }


def _json(path: Path) -> Any:
    return read_json(path.read_text(encoding="utf-8"), str(path))
