"""What all backbones share: four blocks that can be run in part, and a feature vector at the end."""

import torch
from torch import nn

from mtl.networks.batch_norm import BatchNorm


class Backbone(nn.Module):
    """Four blocks, then `pool`, which maps the last feature map to one vector per image.

    Blocks run in ranges, so that the output of frozen ones is computed once: `*-last` methods keep that of block 3.
    """

    def __init__(self, blocks: list[nn.Module], pool: nn.Module, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.pool = pool
        self.dropout = nn.Dropout(dropout)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        self.to(memory_format=torch.channels_last)

    def set_batch_norm(self, statistics: str) -> None:
        """Sets the statistics of every batch norm; see `BatchNorm`."""
        for module in self.modules():
            if isinstance(module, BatchNorm):
                module.statistics = statistics

    def run(self, x: torch.Tensor, start: int, stop: int, sets: list[int] | None = None) -> torch.Tensor:
        """Runs blocks `start` to `stop` - 1, and the pool after the last one.

        Args:
            x: (B, 3, H, W) images if `start` is 0, otherwise the output of block `start` - 1.
            start: first block, from 0.
            stop: block to stop before; pass the number of blocks to get feature vectors (B, D).
            sets: the sizes of the sets that the images consist of; see `BatchNorm`.
        """
        for block in self.blocks[start:stop]:
            x = self.dropout(block(x, sets))
        return self.pool(x) if stop == len(self.blocks) else x

    def forward(self, images: torch.Tensor, sets: list[int] | None = None) -> torch.Tensor:
        """(B, 3, H, W) in [0, 1] to feature vectors (B, D); for `sets` see `BatchNorm`."""
        return self.run(images, 0, len(self.blocks), sets)


class MeanPool(nn.Module):
    """Mean over all positions: (B, C, H, W) to (B, C). At 84 px this is the authors' 5 x 5 average pool."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Averages over height and width, in float32 or better."""
        return x.mean(dim=(2, 3), dtype=torch.promote_types(x.dtype, torch.float32))


def to_unit_interval(images: torch.Tensor) -> torch.Tensor:
    """uint8 pixels to floats in [0, 1], the only normalisation of the authors' code."""
    return images.to(torch.get_default_dtype()) / 255
