"""The meta-update (paper, equations 4 and 5)."""

import torch

from mtl.data.tasks import Tasks, TaskShape, labels
from mtl.learners import Learner


class MetaStep:
    """One meta-update with Adam on everything the learner learns (paper, equations 4 and 5)."""

    def __init__(self, learner: Learner, shape: TaskShape, device: torch.device) -> None:
        self._learner = learner
        self._shape = shape
        self._device = device
        self._support_labels = torch.from_numpy(labels(shape.way, shape.shot)).to(device)
        self._targets = torch.from_numpy(labels(shape.way, shape.query)).to(device)
        self.optimizer = torch.optim.Adam(learner.learned().values(), fused=device.type == "cuda")

    def __call__(self, banked: torch.Tensor, tasks: Tasks, rate: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Updates the learner from a meta-batch of T tasks.

        Args:
            banked: (N, ...) banked training images.
            tasks: indices into `banked`.
            rate: the learning rate of this update.

        Returns:
            The loss and the query accuracy of each class before the update, after adaptation: (T, way) in [0, 1].
        """
        sets = (banked[torch.from_numpy(rows).to(self._device)] for rows in (tasks.support, tasks.query))
        support, query = self._learner.embed_sets(*sets)
        loss, logits = self._learner.loss(support, self._support_labels, query, self._targets)
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        correct = (logits.argmax(dim=-1) == self._targets).float()
        return loss.detach(), correct.unflatten(1, (self._shape.way, self._shape.query)).mean(dim=2)
