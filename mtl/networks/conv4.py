"""4CONV, the network of MAML's public code (paper, section 5.1)."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from mtl.networks.backbone import Backbone
from mtl.networks.batch_norm import BatchNorm

LABEL = "4CONV"


class ConvBlock(nn.Module):
    """Conv 3 x 3, batch norm, ReLU, 2 x 2 max-pooling."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(inputs, outputs, 3, padding=1)])
        self.norms = nn.ModuleList([BatchNorm(outputs, affine=True)])

    def forward(self, x: torch.Tensor, sets: list[int] | None = None) -> torch.Tensor:
        """(B, inputs, H, W) to (B, outputs, H // 2, W // 2); for `sets` see `BatchNorm`."""
        return F.max_pool2d(self.norms[0](self.convs[0], x, sets, slope=0), 2)


def build(width: int, dropout: float = 0.0) -> Backbone:
    """Builds 4CONV with `width` filters per block (paper: 32); features are the flattened last map (84 px: 800).

    Batch norm has a scale and an offset: under the `episode` statistics of MAML it cancels the biases of the
    convolutions, so without an offset nothing could shift the activations.

    Args:
        width: filters of every block.
        dropout: probability of dropping a value after each block.
    """
    filters = [3, width, width, width, width]
    blocks: list[nn.Module] = [ConvBlock(a, b) for a, b in pairwise(filters)]
    return Backbone(blocks, nn.Flatten(), dropout)
