"""Meta-transfer learning and its ablations: tasks adapt θ; Θ is frozen, fine-tuned, or scaled and shifted."""

import torch
from torch import nn

from mtl.learners.base_learner import adapt, adapt_first_order, logits
from mtl.learners.learner import Head, Learner, LearnerSetup
from mtl.networks.backbone import to_unit_interval
from mtl.networks.scale_shift import scale_and_shift

EPISODES_AT_ONCE = 600

KEYS = ("modulate", "scope", "scale", "shift", "theta_init")
INNER_STEPS = True


class MetaTransfer(Learner):
    """All rows of Table 1 that adapt only θ within a task (paper, section 4.2).

    `bank` runs the blocks below the first one that meta-training changes, `embed` the rest.
    """

    def __init__(self, setup: LearnerSetup) -> None:
        """Freezes Θ, then unfreezes what the method trains; under `episode` statistics nothing can be banked."""
        super().__init__()
        method, backbone, head = setup.method, setup.backbone, setup.head
        self.steps = setup.steps
        self.episodes_at_once = EPISODES_AT_ONCE
        self._learning_rate = setup.learning_rate
        self._adapt = adapt_first_order if setup.first_order else adapt
        self._device = setup.device
        self.backbone = backbone.requires_grad_(False).eval()
        count = len(backbone.blocks)
        first = {"head": count, "last": count - 1, "all": 0}[method.scope]
        opened = list(backbone.blocks)[first:]
        backbone.set_batch_norm(setup.batch_norm)
        self.per_image = setup.batch_norm == "running"
        self._first = first if self.per_image else 0
        if method.modulate == "ft":
            for block in opened:
                block.requires_grad_(True)
        elif method.modulate == "ss":
            scale_and_shift(opened, method.scale, method.shift)
        learned = method.theta_init == "meta-learned"
        self.theta_weight = nn.Parameter(head.weight, requires_grad=learned)
        self.theta_bias = nn.Parameter(head.bias, requires_grad=learned)

    def bank(self, images: torch.Tensor) -> torch.Tensor:
        """Output of the last frozen block; the images themselves if the first block is not frozen."""
        if self._first == 0:
            return images
        with torch.no_grad(), self._device.autocast():
            return self.backbone.run(to_unit_interval(images), 0, self._first)

    def embed(self, banked: torch.Tensor, sets: list[int] | None = None) -> torch.Tensor:
        """Feature vectors (T, N, D), in the precision of θ.

        Args:
            banked: (T, N, ...) banked images.
            sets: the sizes of the sets that the N images of each task consist of; by default they are one set.
        """
        tasks, images = banked.shape[:2]
        # All images go through each convolution together; only batch norm tells the sets apart.
        flat = self._run(banked.flatten(0, 1), (sets or [images]) * tasks)
        embedded: torch.Tensor = flat.unflatten(0, (tasks, images))
        return embedded.to(self.theta_weight.dtype)

    def embed_sets(
        self, support: torch.Tensor, query: torch.Tensor, *, groups: list[int] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeds the support sets (T, S, ...) and query sets (T, Q, ...) together, as sets of their own."""
        shots, queries = support.shape[1], query.shape[1]
        embedded = self.embed(torch.cat([support, query], dim=1), [shots, *(groups or [queries])])
        return embedded[:, :shots], embedded[:, shots:]

    def _run(self, images: torch.Tensor, sets: list[int]) -> torch.Tensor:
        if self._first == 0:
            images = to_unit_interval(images)
        if self._first == len(self.backbone.blocks):
            return images
        with self._device.autocast():
            return self.backbone.run(images, self._first, len(self.backbone.blocks), sets)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits of the adapted classifiers; gradients of second order reach Φ through support and query."""
        head = self._adapt(Head(self.theta_weight, self.theta_bias), support, labels, self._learning_rate, self.steps)
        return logits(head, query)


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return MetaTransfer(setup)
