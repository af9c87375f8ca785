"""Prototypical Networks (Snell, Swersky and Zemel 2017): each query goes to the nearest mean of a class."""

import torch

from mtl.learners.embedding import Embedding
from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.nearest_mean import nearest_mean

KEYS = ("modulate", "scope", "scale", "shift")
INNER_STEPS = False
ANY_WAY = True
WHOLE_QUERY_SETS = True
JOINT = True


class Prototypes(Embedding):
    """Meta-training moves the embedding until the classes of any task lie around their means."""

    joint = JOINT

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Minus the squared Euclidean distance to the prototypes, which are class means (equations 1 and 2)."""
        return nearest_mean(support, labels, query)


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return Prototypes(setup)
