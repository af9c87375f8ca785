"""The course of a meta-training: validation accuracy against iterations, with the chosen model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mtl.reporting.evidence import validations
from mtl.reporting.page.axes import axis_over

LEAST = 5.0  # percentage points that the upright axis spans at least, so that noise does not look like learning
# The frame in units of the drawing.
LEFT, TOP, WIDTH, HEIGHT = 40.0, 10.0, 270.0, 110.0


@dataclass(frozen=True)
class LineView:
    """The curve of a seed, as points of a polyline, and the place of the model that was chosen."""

    seed: int
    points: str
    chosen: tuple[float, float] | None


@dataclass(frozen=True)
class CurveView:
    """The curves of a number, and the values beside the axes."""

    lines: list[LineView]
    upright: list[tuple[float, str]]
    along: list[tuple[float, str]]


def curve_view(histories: Mapping[int, Path], chosen: Mapping[int, int]) -> CurveView | None:
    """The curves of a number, one per seed; None without meta-training.

    Args:
        histories: `history.csv` by seed.
        chosen: the iteration of the chosen model by seed.
    """
    found = {seed: validations(path) for seed, path in histories.items()}
    if not found:
        return None
    accuracies = axis_over((value for table in found.values() for value in table["validation_accuracy"]), LEAST)
    last = max(float(table["iteration"].max()) for table in found.values())
    iterations = axis_over((0.0, last), margin=0)

    def at(iteration: float, accuracy: float) -> tuple[float, float]:
        x = LEFT + WIDTH * iterations.at(iteration) / 100
        return round(x, 1), round(TOP + HEIGHT * (1 - accuracies.at(accuracy) / 100), 1)

    lines = []
    for seed, table in found.items():
        places = {
            int(iteration): at(iteration, accuracy)
            for iteration, accuracy in table[["iteration", "validation_accuracy"]].itertuples(index=False, name=None)
        }
        points = " ".join(f"{x},{y}" for x, y in places.values())
        lines.append(LineView(seed, points, places.get(chosen.get(seed, -1))))
    return CurveView(
        lines,
        upright=[(at(0, tick)[1], f"{tick:g}") for tick in accuracies.ticks(4)],
        along=[(at(tick, accuracies.low)[0], f"{tick:,.0f}") for tick in iterations.ticks(3)],
    )
