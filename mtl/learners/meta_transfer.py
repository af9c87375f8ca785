"""Meta-transfer learning and its ablations: tasks adapt θ; Θ is frozen, fine-tuned, or scaled and shifted."""

import torch
from torch import nn
from torch.func import vmap

from mtl.learners.base_learner import Head, adapt, logits
from mtl.learners.learner import Learner, to_unit_interval
from mtl.networks.backbone import Backbone
from mtl.networks.scale_shift import scale_and_shift
from mtl.runtime.device import Device

EPISODES_AT_ONCE = 600


class MetaTransfer(Learner):
    """All rows of Table 1 that adapt only θ within a task (paper, section 4.2).

    `bank` runs the blocks below the first one that meta-training changes, `embed` the others.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: Head,
        device: Device,
        *,
        batch_norm: str,
        modulate: str,
        scope: str,
        learn_head: bool,
        learning_rate: float,
        steps: int,
    ) -> None:
        """Takes a pre-trained backbone.

        Args:
            backbone: Θ; frozen here, then opened as far as `modulate` says.
            head: initial θ.
            device: decides the dtype of the convolutions.
            batch_norm: what batch norm normalises by, `running` or `episode` (then nothing can be banked).
            modulate: `none`, `ft` (weights and biases are meta-learned) or `ss` (scale and shift are).
            scope: which blocks are modulated: `head` (none of them), `last` or `all`.
            learn_head: whether θ is meta-learned.
            learning_rate: β of the base-learner.
            steps: its steps.
        """
        super().__init__()
        self.steps, self.episodes_at_once = steps, EPISODES_AT_ONCE
        self._learning_rate, self._device = learning_rate, device
        self.backbone = backbone.requires_grad_(False).eval()
        count = len(backbone.blocks)
        opened = list(backbone.blocks)[(first := {"head": count, "last": count - 1, "all": 0}[scope]) :]
        backbone.set_batch_norm(batch_norm)
        self.per_image = batch_norm == "running"
        self._first = first if self.per_image else 0
        if modulate == "ft":
            for block in opened:
                block.requires_grad_(True)
        elif modulate == "ss":
            scale_and_shift(opened)
        self.theta_weight = nn.Parameter(head.weight, requires_grad=learn_head)
        self.theta_bias = nn.Parameter(head.bias, requires_grad=learn_head)

    def bank(self, images: torch.Tensor) -> torch.Tensor:
        """Output of the last frozen block; the images themselves if the first block is not frozen."""
        if self._first == 0:
            return images
        with torch.no_grad(), self._device.autocast():
            return self.backbone.run(to_unit_interval(images), 0, self._first)

    def embed(self, banked: torch.Tensor) -> torch.Tensor:
        """Feature vectors (T, N, D), in the precision of θ."""
        if self.per_image:
            embedded: torch.Tensor = self._run(banked.flatten(0, 1)).unflatten(0, banked.shape[:2])
        else:
            embedded = vmap(self._run)(banked)
        return embedded.to(self.theta_weight.dtype)

    def _run(self, images: torch.Tensor) -> torch.Tensor:
        if self._first == 0:
            images = to_unit_interval(images)
        if self._first == len(self.backbone.blocks):
            return images
        with self._device.autocast():
            return self.backbone.run(images, self._first, len(self.backbone.blocks))

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits of the adapted classifiers; gradients reach Φ through support and query."""
        head = adapt(Head(self.theta_weight, self.theta_bias), support, labels, self._learning_rate, self.steps)
        return logits(head, query)
