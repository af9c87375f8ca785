"""`history.csv`: one row an iteration, written at the end."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mtl.runtime.errors import UserError
from mtl.runtime.files import write_csv

# Guessing among a thousand classes gives 7.
DIVERGED = 1000.0
COLUMNS = ("iteration", "tasks_seen", "phase", "loss", "accuracy", "validation_accuracy", "learning_rate")


@dataclass
class History:
    """What happened in a training stage. Losses and accuracies stay on the device until the end, so nothing waits.

    Row i tells what iteration i did; `validation_accuracy` is that of the model before the iteration, so row 0 holds
    the untrained one's and the last row, which has no training in it, the final one's. Accuracies are in percent.
    """

    _rows: list[dict[str, object]] = field(default_factory=list)
    _validation: dict[int, float] = field(default_factory=dict)
    _checked: int = 0

    def validated(self, iteration: int, accuracy: float) -> None:
        """Notes the validation accuracy of the model before an iteration."""
        self._validation[iteration] = accuracy

    def trained(self, tasks_seen: int, phase: str, loss: torch.Tensor, accuracy: torch.Tensor, rate: float) -> None:
        """Notes one iteration; `tasks_seen` counts its own tasks, `loss` and `accuracy` (in [0, 1]) are scalars."""
        self._rows.append(
            {
                "iteration": len(self._rows),
                "tasks_seen": tasks_seen,
                "phase": phase,
                "loss": loss.detach(),
                "accuracy": accuracy.detach(),
                "learning_rate": rate,
            }
        )

    def check(self) -> None:
        """Looks at the losses that were not looked at before.

        Raises:
            UserError: one is not a number, or far beyond that of guessing.
        """
        rows = self._rows[self._checked :]
        self._checked = len(self._rows)
        if not rows:
            return
        losses = torch.stack([torch.as_tensor(row["loss"]) for row in rows])
        bad = ~(losses < DIVERGED)
        if bad.any():
            row = rows[int(bad.nonzero()[0])]
            raise UserError(
                f"the loss is {float(torch.as_tensor(row['loss'])):.4g} at iteration {row['iteration']} (learning rate "
                f"{row['learning_rate']:.3g}): training diverged; lower the learning rate of this cell"
            )

    def state(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        return {"rows": self._rows, "validation": self._validation}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes over what `state` gave."""
        self._rows, self._validation = state["rows"], state["validation"]

    def recent(self, count: int) -> dict[str, float]:
        """Mean loss and accuracy of the last `count` iterations."""
        rows = self._rows[-count:]
        if not rows:
            return {}
        mean = {name: torch.stack([row[name] for row in rows]).mean().item() for name in ("loss", "accuracy")}  # type: ignore[misc]
        return {"loss": mean["loss"], "accuracy": 100 * mean["accuracy"]}

    def write(self, path: Path) -> None:
        """Writes the file atomically."""
        rows = []
        for row in self._rows:
            loss, accuracy = (torch.as_tensor(row[name]).item() for name in ("loss", "accuracy"))
            rows.append(self._with_validation({**row, "loss": f"{loss:.6f}", "accuracy": f"{100 * accuracy:.4f}"}))
        if self._validation and max(self._validation) == len(self._rows):
            seen = self._rows[-1]["tasks_seen"] if self._rows else 0
            rows.append(self._with_validation({"iteration": len(self._rows), "tasks_seen": seen}))
        write_csv(path, COLUMNS, ([row.get(name, "") for name in COLUMNS] for row in rows))

    def _with_validation(self, row: dict[str, object]) -> dict[str, object]:
        accuracy = self._validation.get(int(str(row["iteration"])))
        return row if accuracy is None else {**row, "validation_accuracy": f"{accuracy:.4f}"}
