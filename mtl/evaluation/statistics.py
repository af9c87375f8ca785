"""The mean over episodes and its interval."""

import numpy as np
from scipy import stats


def mean_and_ci95(accuracies: np.ndarray) -> tuple[float, float]:
    """Mean and half-width of the 95 % interval, 1.96 s / sqrt(n), as the paper prints them.

    Args:
        accuracies: (n,) one value per episode, at least two.
    """
    return float(np.mean(accuracies)), 1.96 * float(stats.sem(accuracies))
