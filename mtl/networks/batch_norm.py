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
        casts_input: under torch.func, batch norm cannot mix a bfloat16 input with float32 statistics, as it does
            elsewhere.
    """

    mean: torch.Tensor
    variance: torch.Tensor
    statistics = "running"
    casts_input = False

    def __init__(self, channels: int, affine: bool = False) -> None:
        """Without `affine` there is no scale γ and no offset β (in the authors' code γ is absent and β stays 0)."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.gamma = nn.Parameter(torch.ones(channels)) if affine else None
        self.beta = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) to the same shape; the B images are one set if the statistics are `episode`."""
        if self.statistics == "episode":
            return self._by_set(x.to(self.mean.dtype)).to(x.dtype)
        given = x.to(self.mean.dtype) if self.casts_input else x
        normalised = F.batch_norm(
            given, self.mean, self.variance, self.gamma, self.beta, self.training, MOMENTUM, EPSILON
        )
        return normalised.to(x.dtype)

    def _by_set(self, x: torch.Tensor) -> torch.Tensor:
        # Written out, because second derivatives of torch's batch norm with scale and offset are wrong under vmap; as
        # one multiplication and addition per value, because these passes over memory outweigh the convolutions.
        variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
        scale = torch.rsqrt(variance + EPSILON)
        if self.gamma is not None:
            scale = scale * self.gamma
        offset = -mean * scale
        if self.beta is not None:
            offset = offset + self.beta
        return torch.addcmul(offset[:, None, None], x, scale[:, None, None])
