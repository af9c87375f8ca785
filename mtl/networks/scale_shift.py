"""Scale-and-shift (paper, equation 6): SS(X; W, b) = (W * Φ1) X + (b + Φ2), with W and b frozen.

It is a parametrisation of a convolution's weight and bias. Nothing else in the network knows about it.
"""

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.utils import parametrize


class Scale(nn.Module):
    """W * Φ1: one scalar for each (out, in) kernel, 1 at the start (paper, figure 3)."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(*weight.shape[:2], 1, 1, dtype=weight.dtype, device=weight.device))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """(out, in, k, k) to the same shape."""
        return weight * self.scale


class Shift(nn.Module):
    """b + Φ2: one scalar for each filter, 0 at the start."""

    def __init__(self, bias: torch.Tensor) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros_like(bias))

    def forward(self, bias: torch.Tensor) -> torch.Tensor:
        """(out,) to the same shape."""
        return bias + self.shift


def scale_and_shift(blocks: Iterable[nn.Module]) -> None:
    """Adds Φ1 and Φ2 to every 3 x 3 convolution of the blocks.

    The 1 x 1 shortcuts stay as they are, as in the authors' code.
    """
    for block in blocks:
        for conv in block.convs:  # type: ignore[union-attr]
            parametrize.register_parametrization(conv, "weight", Scale(conv.weight))
            parametrize.register_parametrization(conv, "bias", Shift(conv.bias))
