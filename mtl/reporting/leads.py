"""How much sooner one method's validation accuracy gets somewhere than another's."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

VALIDATION = "validation_accuracy"
# Percentage points; an accuracy over 600 validation episodes is uncertain by about 0.8.
NEAR = 1.0


@dataclass(frozen=True)
class Lead:
    """A lead of the first method over the second; negative if it is later."""

    by: float  # in the unit of the claim; NaN if nothing was compared
    compared: bool  # whether both were validated after equally much training
    before_training: bool  # whether a method was there before its first task
    reached: bool  # whether the first method gets as high as the second


def lead(ours: pd.DataFrame, theirs: pd.DataFrame, unit: str, target: str) -> Lead:
    """How much sooner the first method gets there than the second.

    With `target` `other`, there is the best accuracy of the second method (of the first, if that is lower). With
    `own`, it is within `NEAR` of its own best, for each.

    Only validations after equally much training count. Otherwise a method would be late because it was trained for
    longer, which moves the best validation of a flat curve, or because it was validated less often.

    Args:
        ours: the first method's validations in order: columns `unit` and `validation_accuracy` (percent).
        theirs: those of the second.
        unit: `iteration` or `tasks_seen`.
        target: `other` or `own`.
    """
    both = ours.merge(theirs, on=unit, suffixes=("_ours", "_theirs"))
    trained_for = both[unit].to_numpy(float)
    if not (trained_for > 0).any():
        return Lead(by=np.nan, compared=False, before_training=False, reached=False)
    accuracies = both[[f"{VALIDATION}_ours", f"{VALIDATION}_theirs"]].to_numpy(float)
    best = accuracies.max(axis=0)
    goal = best - NEAR if target == "own" else best.min()
    first, second = trained_for[(accuracies >= goal).argmax(axis=0)]
    # A pre-trained network may be there at once; that is no merit of meta-training.
    return Lead(
        by=float(second - first),
        compared=True,
        before_training=min(first, second) == 0,
        reached=best[0] >= best[1],
    )
