"""Two ways to do the same, timed in turn: machines are shared and noisy, so only their ratio means anything."""

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
        subject: what was timed.
        scale: on which network.
        seconds: median of what is ours.
        floor: what it is compared with, in words.
        floor_seconds: median of that.
        ratio: median of the ratios of neighbouring runs, ours over floor.
    """

    subject: str
    scale: str
    seconds: float
    floor: str
    floor_seconds: float
    ratio: float


def compare(subject: str, scale: str, ours: Work, floor: str, bare: Work, repeats: int) -> Ratio:
    """Runs both `repeats` times, each first in turn, after once without a clock."""
    ours(), bare()
    pairs = []
    for repeat in range(repeats):
        if repeat % 2:
            second, first = _seconds(bare), _seconds(ours)
        else:
            first, second = _seconds(ours), _seconds(bare)
        pairs.append((first, second))
    return Ratio(
        subject,
        scale,
        statistics.median(pair[0] for pair in pairs),
        floor,
        statistics.median(pair[1] for pair in pairs),
        statistics.median(pair[0] / pair[1] for pair in pairs),
    )


def _seconds(work: Work) -> float:
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began
