"""How learners use Θ as an embedding: frozen, fine-tuned, or scaled and shifted (paper, section 4.2)."""

import torch

from mtl.learners.learner import Learner, LearnerSetup
from mtl.networks.backbone import to_unit_interval
from mtl.networks.scale_shift import scale_and_shift

EPISODES_AT_ONCE = 600


class Embedding(Learner):
    """A learner without `predict`.

    `bank` runs the blocks below the first one that meta-training changes, `embed` the rest.

    Attributes:
        joint: whether support and query of a task share the statistics of batch norm under `episode`. A learner that
            compares the features of the two sets needs that: if each set had its own, what lies between them would be
            normalised away (`docs/methods.md`).
        pooled: whether features are vectors (D,); otherwise they are the maps (C, H, W) of the last block.
    """

    joint = False
    pooled = True

    def __init__(self, setup: LearnerSetup) -> None:
        """Freezes Θ, then unfreezes what the method trains; under `episode` statistics nothing can be banked."""
        super().__init__()
        method, backbone = setup.method, setup.backbone
        self.steps = setup.steps
        self.episodes_at_once = EPISODES_AT_ONCE
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

    def bank(self, images: torch.Tensor) -> torch.Tensor:
        """Output of the last frozen block; the images themselves if the first block is not frozen."""
        if self._first == 0:
            return images
        with torch.no_grad(), self._device.autocast():
            return self._blocks(to_unit_interval(images), 0, self._first)

    def embed(self, banked: torch.Tensor, sets: list[int] | None = None) -> torch.Tensor:
        """Features (T, N, ...), in the precision of the weights.

        Args:
            banked: (T, N, ...) banked images.
            sets: the sizes of the sets that the N images of each task consist of; by default they are one set.
        """
        tasks, images = banked.shape[:2]
        # All images go through each convolution together; only batch norm tells the sets apart.
        flat = self._run(banked.flatten(0, 1), (sets or [images]) * tasks)
        embedded: torch.Tensor = flat.unflatten(0, (tasks, images))
        return embedded.to(next(self.backbone.parameters()).dtype)

    def embed_sets(
        self, support: torch.Tensor, query: torch.Tensor, *, groups: list[int] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeds the support sets (T, S, ...) and query sets (T, Q, ...) together, as sets of their own or as one."""
        shots, queries = support.shape[1], query.shape[1]
        sets = [shots + queries] if self.joint else [shots, *(groups or [queries])]
        embedded = self.embed(torch.cat([support, query], dim=1), sets)
        return embedded[:, :shots], embedded[:, shots:]

    def _run(self, images: torch.Tensor, sets: list[int]) -> torch.Tensor:
        if self._first == 0:
            images = to_unit_interval(images)
        if self._first == len(self.backbone.blocks):
            return images
        with self._device.autocast():
            return self._blocks(images, self._first, len(self.backbone.blocks), sets)

    def _blocks(self, x: torch.Tensor, start: int, stop: int, sets: list[int] | None = None) -> torch.Tensor:
        if self.pooled:
            return self.backbone.run(x, start, stop, sets)
        for block in self.backbone.blocks[start:stop]:
            x = block(x, sets)
        return x
