"""Times two workloads in turn: machines are shared and noisy, so only their ratio means anything."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

Work = Callable[[], object]


@dataclass(frozen=True)
class Ratio:
    """A line of the table.

    Attributes:
        subject: what was measured.
        scale: the network.
        value: our median.
        floor: what it is compared with, in words.
        floor_value: the median of the floor.
        ratio: median of the ratios of neighbouring runs, ours over floor.
        unit: of both values.
    """

    subject: str
    scale: str
    value: float
    floor: str
    floor_value: float
    ratio: float
    unit: str = "s"


@dataclass(frozen=True)
class Comparison:
    """Two workloads, and how often they are timed.

    Attributes:
        subject: what `ours` is.
        scale: the network.
        ours: what is measured.
        floor: what `bare` is, in words.
        bare: what it is compared with.
        repeats: how often both are timed, after one untimed run.
    """

    subject: str
    scale: str
    ours: Work
    floor: str
    bare: Work
    repeats: int

    def measure(self) -> Ratio:
        """Times both in turn, alternating which goes first."""
        self.ours(), self.bare()
        pairs = []
        for repeat in range(self.repeats):
            if repeat % 2:
                second, first = _seconds(self.bare), _seconds(self.ours)
            else:
                first, second = _seconds(self.ours), _seconds(self.bare)
            pairs.append((first, second))
        seconds, floor = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(first / second for first, second in pairs)
        return Ratio(self.subject, self.scale, seconds, self.floor, floor, ratio)


def _seconds(work: Work) -> float:
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began
