"""Intervals over seeds, and tests of paired differences."""

import numpy as np
from scipy import stats


def few_ci95(values: np.ndarray) -> float:
    """Half-width of the 95 % interval of a mean of few values, by Student's t; NaN for a single one."""
    return float(stats.sem(values) * stats.t.ppf(0.975, len(values) - 1)) if len(values) > 1 else float("nan")


def p_value(values: np.ndarray) -> float:
    """Two-sided p of the mean of at least two values being 0, by Student's t.

    Equal values have no spread, so t would be infinite, however few they are. They have the p of the sign test instead:
    1 if all are 0, else 2 · 0.5ⁿ.
    """
    if np.allclose(values, values[0]):
        return 1.0 if np.allclose(values, 0) else float(stats.binomtest(len(values), len(values)).pvalue)
    return float(stats.ttest_1samp(values, 0.0).pvalue)


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values corrected for multiple tests (Holm 1979): (n,)."""
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected
