"""Where values lie on a drawn axis, in percent of its length."""

from collections.abc import Iterable
from math import floor, isfinite, log10
from typing import NamedTuple


class Axis(NamedTuple):
    """An axis from `low` to `high`."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The place of a value, 0 to 100, on two decimals."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    def ticks(self, most: int = 5) -> list[float]:
        """At most so many round values on the axis."""
        rough = (self.high - self.low) / most
        power = 10.0 ** floor(log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
        first = -floor(-self.low / step + 1e-9)
        return [round(index * step, 10) + 0.0 for index in range(first, floor(self.high / step + 1e-9) + 1)]


def axis_over(values: Iterable[float], least: float = 1.0, margin: float = 0.04) -> Axis:
    """The axis that holds all finite values with a margin, and spans at least `least`."""
    finite = [value for value in values if isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, least)
    missing = max(least - (high - low), 0) / 2
    low, high = low - missing, high + missing
    room = margin * (high - low)
    return Axis(low - room, high + room)
