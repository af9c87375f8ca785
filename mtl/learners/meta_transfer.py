"""Meta-transfer learning and its ablations: tasks adapt θ; Θ is frozen, fine-tuned, or scaled and shifted."""

import torch
from torch import nn

from mtl.learners.base_learner import adapt, adapt_first_order, logits
from mtl.learners.embedding import Embedding
from mtl.learners.learner import Head, Learner, LearnerSetup

KEYS = ("modulate", "scope", "scale", "shift", "theta_init")
INNER_STEPS = True


class MetaTransfer(Embedding):
    """All rows of Table 1 that adapt only θ within a task (paper, section 4.2)."""

    def __init__(self, setup: LearnerSetup) -> None:
        """Opens Θ as the method says, and θ if it is meta-learned."""
        super().__init__(setup)
        self._learning_rate = setup.learning_rate
        self._adapt = adapt_first_order if setup.first_order else adapt
        learned = setup.method.theta_init == "meta-learned"
        self.theta_weight = nn.Parameter(setup.head.weight, requires_grad=learned)
        self.theta_bias = nn.Parameter(setup.head.bias, requires_grad=learned)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits of the adapted classifiers; gradients of second order reach Φ through support and query."""
        head = self._adapt(Head(self.theta_weight, self.theta_bias), support, labels, self._learning_rate, self.steps)
        return logits(head, query)


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return MetaTransfer(setup)
