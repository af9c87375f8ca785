"""Matching Networks (Vinyals et al. 2016): a query takes the labels of the supports that it attends to.

Options:
    temperature: initial τ, by which similarities are multiplied before the softmax. The paper has τ = 1, with which no
        cosine gives a class of five more than 0.65. Here τ is learned.
    distance: `cosine`, as in the paper, or `euclidean`, minus the squared distance. At one shot, and without context,
        the latter with τ = 1 is a Prototypical Network.
    context: whether features see the whole support set first (full context embeddings; `matching_context.py`). Sets of
        another size than in training are read in another order.
    steps: how often a query then looks at the support set.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from mtl.learners.embedding import Embedding
from mtl.learners.labels import one_hot, way_of
from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.matching_context import Context
from mtl.learners.nearest_mean import nearest_of
from mtl.runtime.errors import UserError

KEYS = ("modulate", "scope", "scale", "shift")
OPTIONS = {"temperature": 10.0, "distance": ("cosine", "euclidean"), "context": False, "steps": 3.0}
INNER_STEPS = False
ANY_WAY = True
WHOLE_QUERY_SETS = True
JOINT = True


class Matching(Embedding):
    """Attention over all supports of a task."""

    joint = JOINT

    def __init__(self, setup: LearnerSetup) -> None:
        """Adds τ, and the networks of full context embeddings if the method asks for them."""
        super().__init__(setup)
        options = setup.options(OPTIONS)
        if (temperature := options["temperature"]) <= 0:
            raise UserError(f"options.temperature: {temperature} is not above 0")
        self._cosine = options["distance"] == "cosine"
        # Adam takes steps of one size. On the logarithm, they are the same part of a τ of 1 and of 100.
        self.theta_log_temperature = nn.Parameter(torch.tensor(math.log(temperature)))
        dimensions = setup.head.weight.shape[1]
        self.theta_context = Context(dimensions, int(options["steps"]), setup.seed) if options["context"] else None

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logarithms of the probabilities, sums of a query's attention to the shots of a class."""
        if self.theta_context is not None:
            support, query = self.theta_context(support, query)
        return matched(self.theta_log_temperature.exp() * self._similarities(support, query), labels)

    def _similarities(self, support: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """(T, S, D) and (T, Q, D) to (T, Q, S)."""
        if self._cosine:
            return F.normalize(query, dim=2) @ F.normalize(support, dim=2).transpose(1, 2)
        return nearest_of(support, query)


def matched(similarities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Similarities (T, Q, S) to the logarithms of the probabilities of classes, (T, Q, way) (equation 1)."""
    others = ~one_hot(labels, way_of(labels)).T
    # Not the logarithm of a sum of probabilities, which has no gradient where that is 0 in floating point.
    attention = similarities.log_softmax(dim=2).unsqueeze(2)
    return attention.masked_fill(others, -torch.inf).logsumexp(dim=3)


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return Matching(setup)
