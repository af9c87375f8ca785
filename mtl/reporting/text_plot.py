"""Curves and histograms of plain characters, for a terminal of any width, a log or an e-mail."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

LABELS = 8  # characters of the labels of the vertical axis


def curve(x: Sequence[float], y: Sequence[float], width: int, height: int, marked: float | None = None) -> list[str]:
    """A curve, `height` + 2 lines of at most `width` characters.

    `*` is a point, or the mean of those that share a column; `.` lies on the line between two; `O` is the point at
    `marked`.

    Args:
        x: where the points are, ascending; at least one.
        y: their values, as many.
        width: characters of a line.
        height: lines between the lowest and the highest value, at least two.
        marked: the `x` of one of the points, drawn by itself.
    """
    xs, ys = np.asarray(x, float), np.asarray(y, float)
    columns = width - LABELS - 2
    at = np.rint((xs - xs[0]) / max(xs[-1] - xs[0], 1e-12) * (columns - 1)).astype(int)
    held = np.unique(at)
    means = np.array([ys[at == column].mean() for column in held])
    if marked is not None and (chosen := np.flatnonzero(xs == marked)).size:
        means[held == at[chosen[0]]] = ys[chosen[0]]
    low, high = means.min(), means.max()

    def row_of(value: float) -> int:
        return round((height - 1) * (high - value) / (high - low)) if high > low else height // 2

    grid = [[" "] * columns for _ in range(height)]
    for column in range(held[0], held[-1] + 1):
        grid[row_of(float(np.interp(column, held, means)))][column] = "."
    for column, value in zip(held, means, strict=True):
        is_marked = marked is not None and bool((xs[at == column] == marked).any())
        grid[row_of(float(value))][column] = "O" if is_marked else "*"
    labels = {0: f"{high:.4g}", height - 1: f"{low:.4g}"} if high > low else {height // 2: f"{high:.4g}"}
    lines = [f"{labels.get(row, ''):>{LABELS}} |{''.join(line)}".rstrip() for row, line in enumerate(grid)]
    first, last = f"{xs[0]:g}", f"{xs[-1]:g}"
    below = first if len(xs) == 1 else f"{first}{last:>{columns - len(first)}}"
    return [*lines, f"{'':{LABELS}} +{'-' * columns}", f"{'':{LABELS + 2}}{below}"]


def histogram(values: np.ndarray, width: int, bins: int = 9) -> Iterator[str]:
    """A histogram around zero, a line per bin; the middle one is around zero.

    Args:
        values: (n,) at least one.
        width: characters of a line.
        bins: how many, an odd number.
    """
    # Half a point at least, so that bins are not narrower than their labels.
    half = max(float(np.abs(values).max()) / bins, 0.5)
    edges = half * np.arange(-bins, bins + 1, 2)
    edges[[0, -1]] *= 1 + 1e-9  # rounding must not lose the outermost
    counts, _ = np.histogram(values, edges)
    labels = [f"{low:+7.1f} to {high:+7.1f}" for low, high in pairwise(edges)]
    room = width - len(labels[0]) - 12
    for label, count in zip(labels, counts, strict=True):
        bar = "#" * int(np.ceil(room * count / counts.max()))
        yield f"  {label} {count:5d} |{bar}"
