"""A mean and its interval as the paper prints them; numpy only, because scipy takes half a second to import."""

import numpy as np


def mean_and_ci95(accuracies: np.ndarray) -> tuple[float, float]:
    """Mean and half-width of the 95 % interval, 1.96 s / sqrt(n), as the paper prints them.

    Args:
        accuracies: (n,) one value per episode, at least two.

    Examples:
        >>> mean, half_width = mean_and_ci95(np.array([0.5, 0.6, 0.7, 0.8]))
        >>> f"{100 * mean:.2f} ± {100 * half_width:.2f}"
        '65.00 ± 12.65'
    """
    return float(np.mean(accuracies)), 1.96 * float(np.std(accuracies, ddof=1) / np.sqrt(len(accuracies)))
