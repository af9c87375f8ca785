"""A loss whose meta-gradient is clipped, as in the code of some authors."""

import torch

from mtl.learners.learner import Learner
from mtl.learners.surrogate import clipped


class ClippedLoss(Learner):
    """Goes before the class of the learner among its bases, and takes the loss of that class."""

    clip_norm: float  # of the gradient of all that is learned, over the whole meta-batch
    separable = False

    def loss(
        self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean cross-entropy of the queries, with a clipped gradient, and the logits (T, Q, way)."""
        loss, logits = super().loss(support, labels, query, targets)
        return clipped(loss, [*self.learned().values()], self.clip_norm), logits
