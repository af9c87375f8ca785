"""`history.csv`: one row per iteration, written at the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mtl.runtime.errors import UserError
from mtl.runtime.files import write_csv

# Guessing among a thousand classes gives a loss of 7.
DIVERGED = 1000.0
COLUMNS = ("iteration", "tasks_seen", "phase", "loss", "accuracy", "validation_accuracy", "learning_rate", "failed")


@dataclass
class History:
    """What happened in a training stage. Losses and accuracies stay on the device until `check`, to avoid waiting.

    Row i describes iteration i; `validation_accuracy` is that of the model before the iteration, so row 0 has that of
    the untrained model, and the last row, which has no training, that of the final one. Accuracies are in percent.
    `failed` has the failure classes that a sampler found, as their places among the training classes of `split.csv`.
    """

    _rows: list[dict[str, Any]] = field(default_factory=list)
    _validation: dict[int, float] = field(default_factory=dict)
    _unchecked: list[torch.Tensor] = field(default_factory=list)

    def validated(self, iteration: int, accuracy: float) -> None:
        """Records the validation accuracy of the model before an iteration."""
        self._validation[iteration] = accuracy

    def trained(
        self,
        tasks_seen: int,
        phase: str,
        loss: torch.Tensor,
        accuracy: torch.Tensor,
        rate: float,
        failed: Sequence[int] = (),
    ) -> None:
        """Records one iteration; `tasks_seen` includes its tasks, `loss` and `accuracy` (in [0, 1]) are scalars."""
        row = {"iteration": len(self._rows), "tasks_seen": tasks_seen, "phase": phase, "learning_rate": rate}
        self._rows.append(row | {"failed": " ".join(map(str, failed))})
        self._unchecked.append(torch.stack([loss.detach(), accuracy.detach()]))

    def check(self) -> None:
        """Fetches and checks the losses since the last call.

        Raises:
            UserError: a loss is not a number, or far above that of guessing.
        """
        if not self._unchecked:
            return
        fetched = torch.stack(self._unchecked).tolist()
        rows = self._rows[-len(fetched) :]
        self._unchecked.clear()
        for row, (loss, accuracy) in zip(rows, fetched, strict=True):
            row |= {"loss": loss, "accuracy": 100 * accuracy}
            if not loss < DIVERGED:
                section = "pretrain" if row["phase"] == "pretrain" else "meta_train"
                raise UserError(
                    f"the loss is {loss:.4g} at iteration {row['iteration']}, where the learning rate is "
                    f"{row['learning_rate']:.3g}: training diverged; lower {section}.learning_rate of this cell"
                )

    def state(self) -> dict[str, Any]:
        """The whole history, for a checkpoint."""
        self.check()
        return {"rows": self._rows, "validation": self._validation}

    def restore(self, state: dict[str, Any]) -> None:
        """Restores what `state` returned."""
        self._rows, self._validation = state["rows"], state["validation"]

    def recent(self, count: int) -> dict[str, float]:
        """Mean loss and accuracy of the last `count` iterations, which must have been checked."""
        rows = self._rows[-count:]
        return {name: sum(row[name] for row in rows) / len(rows) for name in ("loss", "accuracy") if rows}

    def write(self, path: Path) -> None:
        """Writes the file atomically."""
        self.check()
        rows = [{**row, "loss": f"{row['loss']:.6f}", "accuracy": f"{row['accuracy']:.4f}"} for row in self._rows]
        if self._validation and max(self._validation) == len(self._rows):
            seen = self._rows[-1]["tasks_seen"] if self._rows else 0
            rows.append({"iteration": len(self._rows), "tasks_seen": seen})
        for iteration, accuracy in self._validation.items():
            rows[iteration]["validation_accuracy"] = f"{accuracy:.4f}"
        write_csv(path, COLUMNS, ([row.get(name, "") for name in COLUMNS] for row in rows))
