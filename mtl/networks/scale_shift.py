"""Scale-and-shift (paper, equation 6): SS(X; W, b) = (W * Φ1) X + (b + Φ2), with W and b frozen.

It is a parametrisation of a convolution's weight and bias, or of the offset of its batch norm. Nothing else in the
network knows about it.
"""

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.utils import parametrize


class Scale(nn.Module):
    """W * Φ1: one scalar for each (out, in) kernel (paper, figure 3), or for each filter, 1 at the start."""

    def __init__(self, weight: torch.Tensor, each: str) -> None:
        super().__init__()
        kernels = weight if each == "kernel" else weight[:, :1]
        self.scale = nn.Parameter(torch.ones_like(kernels[:, :, :1, :1], memory_format=torch.contiguous_format))

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


def scale_and_shift(blocks: Iterable[nn.Module], scale: str = "kernel", shift: str = "before") -> None:
    """Adds Φ1 and Φ2 to every 3 x 3 convolution of the blocks.

    The 1 x 1 shortcuts stay as they are, as in the authors' code.

    Args:
        blocks: blocks of a backbone, with `convs` and their `norms`.
        scale: what a Φ1 belongs to: a `kernel` or a `filter`.
        shift: `before` batch norm, on the bias of the convolution as in equation 6, or `after` it, on the offset β.

    Examples:
        Freeze a network first; afterwards only Φ1 and Φ2 are trained, and they change nothing at the start:

        >>> from mtl.networks.resnet12 import build
        >>> backbone = build(width=4).requires_grad_(False).eval()
        >>> images = torch.rand(2, 3, 32, 32)
        >>> before = backbone(images)
        >>> scale_and_shift(backbone.blocks)
        >>> torch.equal(backbone(images), before)
        True
        >>> trained = {name: value for name, value in backbone.named_parameters() if value.requires_grad}
        >>> conv = backbone.blocks[0].convs[1]
        >>> conv.parametrizations.weight[0].scale.shape, conv.parametrizations.bias[0].shift.shape
        (torch.Size([4, 4, 1, 1]), torch.Size([4]))
        >>> len(trained)  # two for each of twelve convolutions
        24
    """
    for block in blocks:
        for conv, norm in zip(block.convs, block.norms, strict=True):  # type: ignore[arg-type]
            parametrize.register_parametrization(conv, "weight", Scale(conv.weight, scale))
            if shift == "before":
                parametrize.register_parametrization(conv, "bias", Shift(conv.bias))
                continue
            if norm.beta is None:
                norm.beta = nn.Parameter(torch.zeros_like(norm.mean), requires_grad=False)
            parametrize.register_parametrization(norm, "beta", Shift(norm.beta))
