"""AdamW with warm-up, the recipe of vision transformers (Loshchilov and Hutter 2019; Dosovitskiy et al. 2021)."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mtl.specs.pretraining import Pretrain

WARM_UP = 0.1  # of all iterations


def build(settings: Pretrain, network: nn.Module) -> tuple[torch.optim.Optimizer, Callable[[int], float]]:
    """Weights decay, apart from the gradient; biases and the scales of norms do not."""
    weights = [value for value in network.parameters() if value.ndim > 1]
    others = [value for value in network.parameters() if value.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups)
    return adam, lambda iteration: warmed_up(settings.learning_rate, iteration, settings.iterations)


def warmed_up(highest: float, iteration: int, iterations: int) -> float:
    """Rises linearly in the first tenth, then falls along a cosine to 0."""
    peak = WARM_UP * iterations
    if iteration < peak:
        return highest * (iteration + 1) / (peak + 1)
    return highest * (1 + math.cos(math.pi * (iteration - peak) / (iterations - peak))) / 2
