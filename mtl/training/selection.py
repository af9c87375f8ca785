"""Selects which model of a meta-training is kept."""

from dataclasses import dataclass

import torch

from mtl.learners import Learner


@dataclass
class Selection:
    """The best trained model so far by validation accuracy, the earliest in a tie.

    The untrained one of iteration 0 is no candidate: what it reaches says nothing about meta-training. With `fixed`,
    only that iteration is a candidate.
    """

    fixed: int | None = None
    iteration: int = -1
    accuracy: float = -1.0
    learned: dict[str, torch.Tensor] | None = None

    def consider(self, iteration: int, accuracy: float, learner: Learner) -> None:
        """Keeps a copy of what the learner has learned if it is the best so far."""
        if iteration > 0 and self.fixed in (None, iteration) and accuracy > self.accuracy:
            self.iteration = iteration
            self.accuracy = accuracy
            self.learned = copy_of(learner)


def copy_of(learner: Learner) -> dict[str, torch.Tensor]:
    """A copy of what a learner has learned so far, by name."""
    return {name: value.detach().clone() for name, value in learner.learned().items()}
