"""Learning rates during training."""

from typing import Protocol


class Halving(Protocol):
    """The keys of a section whose learning rate is halved at intervals."""

    @property
    def learning_rate(self) -> float: ...  # noqa: D102
    @property
    def halve_every(self) -> int: ...  # noqa: D102
    @property
    def learning_rate_floor(self) -> float: ...  # noqa: D102


def halved(settings: Halving, iteration: int) -> float:
    """The learning rate of an iteration, counted from 0: halved at intervals down to a floor (paper, section 5.1)."""
    halvings = iteration // settings.halve_every
    return float(max(settings.learning_rate_floor, settings.learning_rate * 0.5**halvings))
