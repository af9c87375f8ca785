"""Adam whose learning rate is halved at intervals (paper, section 5.1)."""

from collections.abc import Callable

import torch
from torch import nn

from mtl.specs.pretraining import Pretrain
from mtl.training.schedules import halved


def build(settings: Pretrain, network: nn.Module) -> tuple[torch.optim.Optimizer, Callable[[int], float]]:
    """Adam with its usual momentum, without weight decay."""
    # One program instead of hundreds; on a CPU it would only change the rounding.
    fused = next(network.parameters()).is_cuda
    return torch.optim.Adam(network.parameters(), fused=fused), lambda iteration: halved(settings, iteration)
