"""Batch normalisation by running statistics or by those of each set of images."""

import torch
from torch import nn
from torch.nn import functional as F

EPSILON = 1e-3
MOMENTUM = 0.1


class BatchNorm(nn.Module):
    """Normalises each channel: in pre-training by the batch, afterwards as `statistics` says.

    `running` takes the averages of pre-training; they belong to Θ, are stored with it, and no meta-training changes
    them. `episode` takes the mean and the variance of the images given, one set of one task at a time, in training and
    at test, as the authors' code does: what an image becomes then depends on the others of its set.

    Attributes:
        statistics: `running` or `episode`.
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

    def forward(self, conv: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        """Normalises the output of a convolution of (B, C, H, W); the B images are one set if statistics are `episode`.

        What normalises by constants is part of the convolution: its weights are scaled instead of its output, which
        saves reading and writing all of that once more.
        """
        if self.statistics == "running" and not self.training:
            scale, offset = self._affine(self.mean, self.variance)
            bias = offset if conv.bias is None else offset + conv.bias * scale
            return F.conv2d(x, conv.weight * scale[:, None, None, None], bias, conv.stride, conv.padding)
        y = conv(x)
        if self.statistics == "running":
            return F.batch_norm(y, self.mean, self.variance, self.gamma, self.beta, True, MOMENTUM, EPSILON)
        # Written out, because second derivatives of torch's batch norm with scale and offset are wrong under vmap; as
        # one multiplication and addition per value, because these passes over memory outweigh the convolutions.
        wide = y.to(self.mean.dtype)
        variance, mean = torch.var_mean(wide, dim=(0, 2, 3), correction=0)
        scale, offset = self._affine(mean, variance)
        return torch.addcmul(offset[:, None, None], wide, scale[:, None, None]).to(y.dtype)

    def _affine(self, mean: torch.Tensor, variance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What each channel is multiplied by, and what is then added to it."""
        scale = torch.rsqrt(variance + EPSILON)
        if self.gamma is not None:
            scale = scale * self.gamma
        offset = -mean * scale
        return scale, offset if self.beta is None else offset + self.beta
