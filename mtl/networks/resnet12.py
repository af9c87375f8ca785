"""ResNet-12 as in the authors' TensorFlow code (the code of the paper; not their later PyTorch network)."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from mtl.networks.backbone import Backbone, MeanPool
from mtl.networks.batch_norm import BatchNorm

LABEL = "ResNet-12"


class ResidualBlock(nn.Module):
    """Three times (conv 3 x 3, batch norm, leaky ReLU 0.1), plus a bare 1 x 1 shortcut, then 2 x 2 max-pooling.

    The shortcut has no bias, no batch norm and no activation, and none follows the sum.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        channels = [inputs, outputs, outputs]
        self.convs = nn.ModuleList(nn.Conv2d(c, outputs, 3, padding=1) for c in channels)
        self.norms = nn.ModuleList(BatchNorm(outputs) for _ in channels)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: torch.Tensor, sets: list[int] | None = None) -> torch.Tensor:
        """(B, inputs, H, W) to (B, outputs, H // 2, W // 2); for `sets` see `BatchNorm`."""
        main = x
        for conv, norm in zip(self.convs, self.norms, strict=True):
            main = norm(conv, main, sets, slope=0.1)
        return F.max_pool2d(self.shortcut(x).add_(main), 2)


def build(width: int, dropout: float = 0.0) -> Backbone:
    """Builds ResNet-12 with `width`, 2, 4 and 8 x `width` filters (paper: 64) and features of 8 x `width` dimensions.

    Args:
        width: filters of the first block.
        dropout: probability of dropping a value after each block (paper: 0.1 in pre-training, 0 afterwards).

    Examples:
        >>> backbone = build(width=64)
        >>> backbone(torch.rand(2, 3, 84, 84)).shape
        torch.Size([2, 512])
        >>> backbone.run(torch.rand(2, 3, 84, 84), 0, 3).shape  # the first three blocks
        torch.Size([2, 256, 10, 10])
    """
    filters = [3, width, 2 * width, 4 * width, 8 * width]
    blocks: list[nn.Module] = [ResidualBlock(a, b) for a, b in pairwise(filters)]
    return Backbone(blocks, MeanPool(), dropout)
