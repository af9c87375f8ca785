"""Siamese networks (Koch, Zemel and Salakhutdinov 2015): are two images of one class?

Where the paper ends in a layer of sigmoid units, features have the length 1 here: then all pairs start near a
probability of 1/2 for any D. Sigmoids of the 800 features of 4CONV at 84 pixels start at twice the loss of that.
"""

import torch
from torch import nn
from torch.nn import functional as F

from mtl.learners.embedding import Embedding
from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.nearest_mean import class_means

KEYS = ("modulate", "scope", "scale", "shift")
INNER_STEPS = False
ANY_WAY = True
WHOLE_QUERY_SETS = True
JOINT = True

# All pairs of a task have D values each, so 600 tasks would take gigabytes.
EPISODES_AT_ONCE = 16


class Siamese(Embedding):
    """A weighted distance of features decides, for all pairs of a query and a support."""

    joint = JOINT

    def __init__(self, setup: LearnerSetup) -> None:
        """Adds the weights α of the distance, and a bias b."""
        super().__init__(setup)
        self.episodes_at_once = EPISODES_AT_ONCE
        dimensions = setup.head.weight.shape[1]
        # The paper has no b. But then two copies of one image have the probability 1/2, and nothing a higher one.
        self.theta_alpha = nn.Parameter(torch.full((dimensions,), -(dimensions**-0.5)))
        self.theta_bias = nn.Parameter(torch.ones(()))

    def embed(self, banked: torch.Tensor, sets: list[int] | None = None) -> torch.Tensor:
        """Features (T, N, D) of length 1; see `Embedding.embed`."""
        return F.normalize(super().embed(banked, sets), dim=2)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits (T, Q, way): of the pairs of a query with the shots of a class, the mean."""
        return self._of_classes(self._of_pairs(support, query), labels)

    def loss(
        self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean cross-entropy of all pairs of a query and a support (section 3.2), and the logits (T, Q, way).

        Of `way` pairs one is of one class. It weighs as much as the others together, or `no` to all would be a good
        answer.
        """
        pairs = self._of_pairs(support, query)
        logits = self._of_classes(pairs, labels)
        same = targets[:, None] == labels
        weight = torch.where(same, logits.shape[2] - 1, 1).to(pairs.dtype).expand_as(pairs)
        answers = same.to(pairs.dtype).expand_as(pairs)
        total = F.binary_cross_entropy_with_logits(pairs, answers, weight, reduction="sum")
        return total / weight.sum(), logits

    def _of_pairs(self, support: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """(T, S, D) and (T, Q, D) to logits (T, Q, S) of being of one class (section 3.1)."""
        return (query.unsqueeze(2) - support.unsqueeze(1)).abs() @ self.theta_alpha + self.theta_bias

    def _of_classes(self, pairs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return class_means(pairs.transpose(1, 2), labels).transpose(1, 2)


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return Siamese(setup)
