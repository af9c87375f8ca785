"""Optimisers of pre-training: the paper's, and a more recent one."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mtl.specs.pretraining import Pretrain
from mtl.training.schedules import halved

MOMENTUM = 0.9
WARM_UP = 0.25  # of all iterations
START = 0.04  # of the highest learning rate


def build_optimizer(settings: Pretrain, network: nn.Module) -> tuple[torch.optim.Optimizer, Callable[[int], float]]:
    """The optimiser, and the learning rate of an iteration counted from 0.

    `adam-halving` is section 5.1 of the paper; `sgd-one-cycle` is the recipe of later few-shot work (momentum and
    weight decay), on the schedule of Smith and Topin 2017 with cosine annealing.
    """
    if settings.optimizer == "adam-halving":
        return torch.optim.Adam(network.parameters()), lambda iteration: halved(settings, iteration)
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
