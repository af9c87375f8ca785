"""The order in which a sequence model reads a support set."""

import torch

from mtl.runtime.seeds import torch_generator


def reading_order(count: int, device: torch.device) -> torch.Tensor:
    """A random order of `count` supports, the same for all tasks of a size: (count,).

    Supports are ordered by class, so a place in the sequence would be a label. In this order the shots of a class do
    not follow each other. Nothing is drawn in the course of training, so that it can be resumed.
    """
    return torch.randperm(count, generator=torch_generator(0, f"order of {count} supports")).to(device)
