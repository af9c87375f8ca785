"""The LSTM meta-learner on a classifier alone: an LSTM makes the steps of θ on features of Θ.

A reduced form of Ravi and Larochelle 2017 that compares with MTL, whose tasks adapt θ too; see `meta_lstm`.
"""

import torch
from torch import nn
from torch.func import grad_and_value, vmap
from torch.nn import functional as F

from mtl.learners.base_learner import logits
from mtl.learners.clipped_loss import ClippedLoss
from mtl.learners.embedding import Embedding
from mtl.learners.gated_descent import GatedDescent
from mtl.learners.learner import Head, Learner, LearnerSetup
from mtl.learners.meta_lstm import NORM, stepped

KEYS = ("modulate", "scope", "scale", "shift", "theta_init")
INNER_STEPS = True

EPISODES_AT_ONCE = 100


class MetaLSTMHead(ClippedLoss, Embedding):
    """θ is where tasks start, as in MTL; an optimizer that is learned takes the place of gradient descent."""

    clip_norm = NORM

    def __init__(self, setup: LearnerSetup) -> None:
        """Adds θ and the optimizer."""
        super().__init__(setup)
        self.episodes_at_once = EPISODES_AT_ONCE
        self.theta_weight, self.theta_bias = nn.Parameter(setup.head.weight), nn.Parameter(setup.head.bias)
        self.theta_optimizer = GatedDescent(setup.learning_rate, setup.seed)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits of the classifiers that the optimizer makes of each task."""
        shape = self.theta_weight.shape

        def head(values: torch.Tensor) -> Head:
            weight, bias = values.split([shape.numel(), shape[0]], dim=-1)
            return Head(weight.unflatten(-1, shape), bias)

        def support_loss(values: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
            weight, bias = head(values)
            return F.cross_entropy(F.linear(features, weight, bias), labels)

        start = torch.cat([self.theta_weight.flatten(), self.theta_bias])
        slope = vmap(grad_and_value(support_loss))
        values = stepped(self.theta_optimizer, start, len(support), self.steps, slope, support)
        return logits(head(values), query)


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return MetaLSTMHead(setup)
