"""Batch normalisation with running statistics or with those of each set of images, and the activation behind it."""

from importlib.util import find_spec

import torch
from torch import nn
from torch.nn import functional as F

HAS_TRITON = find_spec("triton") is not None  # torch for CPUs comes without it
EPSILON = 1e-3
MOMENTUM = 0.1


class BatchNorm(nn.Module):
    """Normalises each channel: by the batch in pre-training, afterwards as `statistics` says.

    `running` uses the averages of pre-training, which are stored with Θ and which meta-training never changes.
    `episode` uses the mean and variance of the given images, one set of one task at a time, in training and at test
    time, as the authors' code does: the features of an image then depend on the rest of its set.

    Attributes:
        statistics: `running` or `episode`.

    Examples:
        Under `episode`, images that go through the convolution together are normalised set by set:

        >>> conv, norm = nn.Conv2d(3, 8, 3), BatchNorm(8)
        >>> norm.statistics = "episode"
        >>> support, query = torch.rand(5, 3, 8, 8), torch.rand(15, 3, 8, 8)
        >>> together = norm(conv, torch.cat([support, query]), sets=[5, 15])
        >>> torch.allclose(together, torch.cat([norm(conv, support), norm(conv, query)]), atol=1e-4)
        True
    """

    mean: torch.Tensor
    variance: torch.Tensor
    statistics = "running"

    def __init__(self, channels: int, affine: bool = False) -> None:
        """Without `affine` there is no scale γ and no offset β (in the authors' code γ is absent and β stays 0)."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.gamma = nn.Parameter(torch.ones(channels)) if affine else None
        self.beta = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(
        self, conv: nn.Conv2d, x: torch.Tensor, sets: list[int] | None = None, slope: float = 1.0
    ) -> torch.Tensor:
        """Convolves (B, C, H, W), normalises, and applies leaky ReLU.

        Normalisation by constants is folded into the convolution: scaling its weights instead of its output saves
        another pass over that output. Statistics of the images themselves cancel the bias of the convolution, which is
        therefore left out, unless `sets` is missing.

        Args:
            conv: the convolution.
            x: (B, C, H, W) maps.
            sets: the sizes of the sets that the B images consist of, one after another. Only `episode` statistics look
                at it. Without it, the images are one set, and the function may run under `vmap`.
            slope: of the activation for negative values; 1: no activation.
        """
        if self.statistics == "running" and not self.training:
            scale, offset = self._affine(self.mean, self.variance)
            bias = offset if conv.bias is None else offset + conv.bias * scale
            weight = conv.weight * scale[:, None, None, None]
            return _activated(F.conv2d(x, weight, bias, conv.stride, conv.padding), slope)
        if self.training or sets is not None:
            y = F.conv2d(x, conv.weight, None, conv.stride, conv.padding)
            if self.statistics == "running":
                return self._batch(y, conv.bias, slope)
            return self._each(y, sets or [len(y)], slope)
        y = conv(x)
        # Written out, because second derivatives of torch's batch norm with scale and offset are wrong under vmap. One
        # multiplication and addition per value, because passes over memory cost more than the convolutions.
        wide = y.to(self.mean.dtype)
        variance, mean = torch.var_mean(wide, dim=(0, 2, 3), correction=0)
        scale, offset = self._affine(mean, variance)
        normalised = torch.addcmul(offset[:, None, None], wide, scale[:, None, None]).to(y.dtype)
        return _activated(normalised, slope)

    def _batch(self, y: torch.Tensor, bias: torch.Tensor | None, slope: float) -> torch.Tensor:
        """Normalises (B, C, H, W) by its own mean and variance, and updates the running ones."""
        if bias is not None:  # it would shift the mean; the update below keeps only a part of what is added here
            # On `data`: the backward pass of an earlier call holds the buffer, but does not use its values.
            self.mean.data.add_(bias.detach(), alpha=MOMENTUM / (1 - MOMENTUM))
        out = F.batch_norm(y, self.mean, self.variance, self.gamma, self.beta, True, MOMENTUM, EPSILON)
        return _activated(out, slope)

    def _each(self, y: torch.Tensor, sets: list[int], slope: float) -> torch.Tensor:
        """Normalises each set of (B, C, H, W) by its own mean and variance.

        The loop is over the few sets that are convolved together. Each is a stretch of memory, over which torch's batch
        norm makes fewer passes than any function of torch that normalises all sets at once (docs/performance.md).
        """
        plain = self.gamma is None and self.beta is None
        if y.is_cuda and y.dtype != torch.float64 and plain and HAS_TRITON:
            # Imported here, because a job on a CPU needs none of it.
            from mtl.networks.set_norm import set_norm, usable

            if usable(y.device):
                return set_norm(y, tuple(sets), slope, EPSILON)
        # Given a scale, torch keeps the statistics of bfloat16 maps in float32; without one, in bfloat16.
        scale = torch.ones_like(self.mean) if self.gamma is None else self.gamma
        parts = (F.batch_norm(part, None, None, scale, self.beta, True, 0.0, EPSILON) for part in y.split(sets))
        return _activated(torch.cat([*parts]), slope)

    def _affine(self, mean: torch.Tensor, variance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The factor of each channel, and the offset added afterwards."""
        scale = torch.rsqrt(variance + EPSILON)
        if self.gamma is not None:
            scale = scale * self.gamma
        offset = -mean * scale
        return scale, offset if self.beta is None else offset + self.beta


def _activated(y: torch.Tensor, slope: float) -> torch.Tensor:
    # In place, because otherwise the backward pass keeps the maps before and after each activation.
    return y if slope == 1 else F.leaky_relu(y, slope, inplace=True)
