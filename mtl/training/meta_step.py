"""The meta-update (paper, equations 4 and 5)."""

import torch

from mtl.data.tasks import Tasks, TaskShape
from mtl.learners import Learner
from mtl.learners.labels import labels_on
from mtl.runtime.byte_count import bytes_of
from mtl.runtime.device import sent
from mtl.runtime.memory import Parts


class MetaStep:
    """One meta-update with Adam on everything the learner learns (paper, equations 4 and 5).

    Attributes:
        parts: the tasks of a meta-batch that run together, as many as there is memory for. They are found at the first
            update, and are part of a checkpoint: sums over other parts would be rounded otherwise.
    """

    def __init__(self, learner: Learner, shape: TaskShape, device: torch.device) -> None:
        self._learner = learner
        self._shape = shape
        self._device = device
        self._support_labels = labels_on(device, shape.way, shape.shot)
        self._targets = labels_on(device, shape.way, shape.query)
        self.parts: Parts | None = None
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
        support, query = (sent(torch.from_numpy(rows), self._device) for rows in (tasks.support, tasks.query))

        def gradients(parts: list[slice]) -> tuple[torch.Tensor, torch.Tensor]:
            self.optimizer.zero_grad()
            shares = [self._backward(banked, support[part], query[part], len(support)) for part in parts]
            losses, correct = zip(*shares, strict=True)
            return sum(losses[1:], start=losses[0]), torch.cat(correct)

        if self._learner.separable:
            self.parts = self.parts or self._that_fit(banked[support[:1]], banked[query[:1]], len(support))
            loss, correct = self.parts.whole(len(support), gradients)
        else:
            loss, correct = gradients([slice(0, len(support))])
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.step()
        return loss, correct.unflatten(1, (self._shape.way, self._shape.query)).mean(dim=2)

    def _that_fit(self, support: torch.Tensor, query: torch.Tensor, count: int) -> Parts:
        """As many of `count` tasks at once as there is memory for; `support` and `query` are those of one."""
        return Parts.that_fit(count, "tasks", bytes_of_task(self._learner, self._shape, support, query), self._device)

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


def bytes_of_task(learner: Learner, shape: TaskShape, support: torch.Tensor, query: torch.Tensor) -> int:
    """The most bytes in use at one time while a learner takes the gradient of a task, beside its banked images.

    Args:
        learner: the learner.
        shape: of the task.
        support: (1, S, ...) banked support images, whose values do not matter.
        query: (1, Q, ...) banked query images.
    """
    cpu = torch.device("cpu")
    support_labels, targets = labels_on(cpu, shape.way, shape.shot), labels_on(cpu, shape.way, shape.query)

    def gradient(learner: Learner, support: torch.Tensor, query: torch.Tensor) -> None:
        embedded = learner.embed_sets(support, query)
        learner.loss(embedded[0], support_labels, embedded[1], targets)[0].backward()

    return bytes_of(learner, gradient, support, query)
