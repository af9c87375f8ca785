"""SGD with momentum and weight decay, the recipe of later few-shot work, on one cycle (Smith and Topin 2017)."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mtl.specs.pretraining import Pretrain

MOMENTUM = 0.9
WARM_UP = 0.25  # of all iterations
START = 0.04  # of the highest learning rate


def build(settings: Pretrain, network: nn.Module) -> tuple[torch.optim.Optimizer, Callable[[int], float]]:
    """Nesterov momentum; weights decay, biases do not."""
    weights = [value for value in network.parameters() if value.ndim > 1]
    biases = [value for value in network.parameters() if value.ndim <= 1]
    groups: list[dict[str, Any]] = [{"params": weights, "weight_decay": settings.weight_decay}, {"params": biases}]
    # The learning rate is set before every step.
    sgd = torch.optim.SGD(groups, lr=0.0, momentum=MOMENTUM, nesterov=True)
    return sgd, lambda iteration: one_cycle(settings.learning_rate, iteration, settings.iterations)


def one_cycle(highest: float, iteration: int, iterations: int) -> float:
    """Rises linearly from `START` x `highest` in the first quarter, then falls along a cosine to 0."""
    peak = WARM_UP * iterations
    if iteration < peak:
        return highest * (START + (1 - START) * iteration / peak)
    return highest * (1 + math.cos(math.pi * (iteration - peak) / (iterations - peak))) / 2
