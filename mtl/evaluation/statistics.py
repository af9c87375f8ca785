"""The mean over episodes and its interval."""

import math

import numpy as np


def mean_and_ci95(accuracies: np.ndarray) -> tuple[float, float]:
    """Mean and half-width of the 95 % interval, 1.96 s / sqrt(n), as the paper prints them.

    Args:
        accuracies: (n,) one value per episode, at least two.
    """
    half_width = 1.96 * float(np.std(accuracies, ddof=1)) / math.sqrt(len(accuracies))
    return float(np.mean(accuracies)), half_width
