"""How a sequence model reads a support set: in one order, step by step."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import nn

from mtl.runtime.seeds import numpy_generator


@cache
def reading_order(count: int) -> tuple[int, ...]:
    """A random order of `count` supports, the same for all tasks of a size.

    Supports are ordered by class, so a place in the sequence would be a label. In this order the shots of a class do
    not follow each other. Nothing is drawn in the course of training, so that it can be resumed.
    """
    # By NumPy: what torch drew under a count of bytes (`bytes_of`) would have no values, and be kept.
    return tuple(numpy_generator(0, f"order of {count} supports").permutation(count).tolist())


def read(cell: nn.LSTMCell, sequence: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The outputs (N, H) of an LSTM for a sequence of (N, D), from an empty state.

    A cell takes as long as `nn.LSTM` on a CPU, and differentiates alike on every device and in every mode.
    """
    state: tuple[torch.Tensor, torch.Tensor] | None = None
    outputs = []
    for x in sequence:
        state = cell(x, state)
        outputs.append(state[0])
    return outputs
