"""The meta-update (paper, equations 4 and 5)."""

import torch

from mtl.data.tasks import Tasks, TaskShape, labels
from mtl.learners import Learner
from mtl.runtime.memory import Parts

ALL = 2**31


class MetaStep:
    """One meta-update with Adam on everything the learner learns (paper, equations 4 and 5)."""

    def __init__(self, learner: Learner, shape: TaskShape, device: torch.device) -> None:
        self._learner = learner
        self._shape = shape
        self._device = device
        self._support_labels = torch.from_numpy(labels(shape.way, shape.shot)).to(device)
        self._targets = torch.from_numpy(labels(shape.way, shape.query)).to(device)
        self._parts = Parts(ALL, "tasks")
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
        support, query = (torch.from_numpy(rows).to(self._device) for rows in (tasks.support, tasks.query))

        def gradients(parts: list[slice]) -> tuple[torch.Tensor, torch.Tensor]:
            self.optimizer.zero_grad()
            shares = [self._backward(banked, support[part], query[part], len(support)) for part in parts]
            losses, correct = zip(*shares, strict=True)
            return sum(losses[1:], start=losses[0]), torch.cat(correct)

        if self._learner.separable:
            loss, correct = self._parts.whole(len(support), gradients)
        else:
            loss, correct = gradients([slice(0, len(support))])
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.step()
        return loss, correct.unflatten(1, (self._shape.way, self._shape.query)).mean(dim=2)

    def _backward(
        self, banked: torch.Tensor, support: torch.Tensor, query: torch.Tensor, count: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Adds the gradient of some of `count` tasks; their share of the loss, and which queries are right (T, Q)."""
        embedded = self._learner.embed_sets(banked[support], banked[query])
        loss, logits = self._learner.loss(embedded[0], self._support_labels, embedded[1], self._targets)
        if len(support) < count:
            loss = loss * (len(support) / count)
        loss.backward()
        return loss.detach(), (logits.argmax(dim=-1) == self._targets).float()
