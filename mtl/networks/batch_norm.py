"""Batch normalisation with running statistics or with those of each set of images."""

import torch
from torch import nn
from torch.nn import functional as F

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

    def forward(self, conv: nn.Conv2d, x: torch.Tensor, sets: list[int] | None = None) -> torch.Tensor:
        """Convolves (B, C, H, W) and normalises the output.

        Normalisation by constants is folded into the convolution: scaling its weights instead of its output saves
        another pass over that output.

        Args:
            conv: the convolution.
            x: (B, C, H, W) maps.
            sets: the sizes of the sets that the B images consist of, one after another. Only `episode` statistics look
                at it. Without it, the images are one set, and the function may run under `vmap`.
        """
        if self.statistics == "running" and not self.training:
            scale, offset = self._affine(self.mean, self.variance)
            bias = offset if conv.bias is None else offset + conv.bias * scale
            return F.conv2d(x, conv.weight * scale[:, None, None, None], bias, conv.stride, conv.padding)
        y = conv(x)
        if self.statistics == "running":
            return F.batch_norm(y, self.mean, self.variance, self.gamma, self.beta, True, MOMENTUM, EPSILON)
        if sets is not None:
            return self._each(y, sets)
        # Written out, because second derivatives of torch's batch norm with scale and offset are wrong under vmap. One
        # multiplication and addition per value, because passes over memory cost more than the convolutions.
        wide = y.to(self.mean.dtype)
        variance, mean = torch.var_mean(wide, dim=(0, 2, 3), correction=0)
        scale, offset = self._affine(mean, variance)
        return torch.addcmul(offset[:, None, None], wide, scale[:, None, None]).to(y.dtype)

    def _each(self, y: torch.Tensor, sets: list[int]) -> torch.Tensor:
        """Normalises each set of (B, C, H, W) by its own mean and variance.

        The loop is over the few sets that are convolved together. Each is a stretch of memory, over which torch's batch
        norm makes fewer passes than any function that normalises all sets at once (docs/performance.md).
        """
        # Given a scale, torch keeps the statistics of bfloat16 maps in float32; without one, in bfloat16.
        scale = torch.ones_like(self.mean) if self.gamma is None else self.gamma
        parts = (F.batch_norm(part, None, None, scale, self.beta, True, 0.0, EPSILON) for part in y.split(sets))
        return torch.cat([*parts])

    def _affine(self, mean: torch.Tensor, variance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The factor of each channel, and the offset added afterwards."""
        scale = torch.rsqrt(variance + EPSILON)
        if self.gamma is not None:
            scale = scale * self.gamma
        offset = -mean * scale
        return scale, offset if self.beta is None else offset + self.beta
