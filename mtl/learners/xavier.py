"""The usual start of small networks beside Θ."""

import torch
from torch import nn


def xavier_(network: nn.Module, generator: torch.Generator) -> None:
    """Sets weights by Xavier's uniform rule, in the order of the parameters, and biases to zero."""
    for value in network.parameters():
        if value.ndim > 1:
            nn.init.xavier_uniform_(value, generator=generator)
        else:
            nn.init.zeros_(value)
