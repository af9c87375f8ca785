"""Batch normalisation without scale and offset, as in the authors' code (there gamma is absent and beta stays 0)."""

import torch
from torch import nn
from torch.nn import functional as F

EPSILON = 1e-3
MOMENTUM = 0.1


class BatchNorm(nn.Module):
    """Normalises each channel by batch statistics in pre-training and by their running averages afterwards.

    `module.train()` and `module.eval()` choose between the two. The running averages belong to Θ: they are stored with
    it and no meta-training changes them.
    """

    mean: torch.Tensor
    variance: torch.Tensor
    # Under torch.func, batch norm cannot mix a bfloat16 input with float32 statistics, as it does elsewhere.
    casts_input = False

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) to the same shape."""
        given = x.to(self.mean.dtype) if self.casts_input else x
        normalised = F.batch_norm(given, self.mean, self.variance, None, None, self.training, MOMENTUM, EPSILON)
        return normalised.to(x.dtype)
