"""The classifier of Baseline++ on frozen features (Chen et al. 2019): each task learns a cosine classifier.

The score of class k is `SCALE` · g_k · cos(w_k, z). The norm g_k is learned beside the direction of w_k, by weight
normalisation, as in the authors' code. Without it, scores stay within ± `SCALE`: no class of five can have a
probability above 0.93, and the loss stays above 0.07.

It is only the part of Baseline++ that runs at test time: Θ comes from the pre-training of all methods, whose classifier
is linear. Steps are plain gradient descent on the whole support set, with the learning rate of the base-learner; the
authors take minibatches of 4, momentum, dampening and weight decay.
"""

import torch
from torch import nn
from torch.func import grad
from torch.nn import functional as F

from mtl.learners.embedding import Embedding
from mtl.learners.learner import Learner, LearnerSetup
from mtl.runtime.errors import UserError

KEYS = ("theta_init",)
INNER_STEPS = True

# That of the authors' code for up to 200 classes.
SCALE = 2.0


class CosineHead(Embedding):
    """Gradient descent on the directions and norms of a cosine classifier, for all tasks at once."""

    def __init__(self, setup: LearnerSetup) -> None:
        """Takes the random weights of θ; there is no bias."""
        super().__init__(setup)
        if setup.method.theta_init == "zero":
            raise UserError("config/methods.yaml: theta_init: 'zero' has no direction; write random")
        self._learning_rate = setup.learning_rate
        self.theta_weight = nn.Parameter(setup.head.weight, requires_grad=False)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits of the adapted classifiers."""
        tasks, shots = support.shape[:2]
        targets = labels.repeat(tasks)

        def loss(weight: torch.Tensor, norm: torch.Tensor) -> torch.Tensor:
            # The sum over tasks of their means: no task's gradient depends on the others.
            return F.cross_entropy(cosine_logits(weight, norm, support).flatten(0, 1), targets, reduction="sum") / shots

        weight = self.theta_weight.expand(tasks, -1, -1)
        norm = weight.norm(dim=2)
        for _ in range(self.steps):
            for_weight, for_norm = grad(loss, argnums=(0, 1))(weight, norm)
            weight, norm = weight - self._learning_rate * for_weight, norm - self._learning_rate * for_norm
        return cosine_logits(weight, norm, query)


def cosine_logits(weight: torch.Tensor, norm: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """Scaled cosines between features and the weights of classes.

    Args:
        weight: (T, way, D), of which only the directions count.
        norm: (T, way).
        features: (T, N, D).

    Returns:
        Logits (T, N, way).
    """
    cosines = F.normalize(features, dim=2) @ F.normalize(weight, dim=2).transpose(1, 2)
    return SCALE * norm.unsqueeze(1) * cosines


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return CosineHead(setup)
