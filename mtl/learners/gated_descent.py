"""An LSTM as the optimizer of a learner (Ravi and Larochelle 2017, section 3): its cell state is the parameters."""

import math
from typing import NamedTuple

import torch
from torch import nn

from mtl.runtime.errors import UserError
from mtl.runtime.seeds import torch_generator

HIDDEN = 20
SCALE = 10.0  # p of `preprocessed`
FORGET = (4.0, 5.0)  # first biases of the forget gate, so that nearly all is kept
SMALL = 0.01


class Gates(NamedTuple):
    """What the optimizer keeps of each of N coordinates: an LSTM's state (N, 20), and both gates (N,) as they were.

    As in the authors' code, these are the gates before their sigmoid.
    """

    hidden: torch.Tensor
    cell: torch.Tensor
    forget: torch.Tensor
    step: torch.Tensor


class GatedDescent(nn.Module):
    """c ← σ(f) c − σ(i) ∇, where an LSTM that all coordinates share sets both gates (equations 2 to 4)."""

    def __init__(self, learning_rate: float, seed: int) -> None:
        """The gate of steps starts near `learning_rate`, which lies between 0 and 1."""
        super().__init__()
        if not 0 < learning_rate < 1:
            raise UserError(f"base_learner.learning_rate: {learning_rate} is that of a gate, between 0 and 1")
        self.lstm = nn.LSTMCell(4, HIDDEN)
        self.forget, self.step = nn.Linear(HIDDEN + 2, 1), nn.Linear(HIDDEN + 2, 1)
        generator = torch_generator(seed, "gated descent")
        for value in self.parameters():
            nn.init.uniform_(value, -SMALL, SMALL, generator=generator)
        nn.init.uniform_(self.forget.bias, *FORGET, generator=generator)
        nn.init.constant_(self.step.bias, math.log(learning_rate / (1 - learning_rate)))

    def start(self, like: torch.Tensor) -> Gates:
        """The state of (N,) coordinates before their first step."""
        hidden = like.new_zeros(len(like), HIDDEN)
        return Gates(hidden, hidden, torch.zeros_like(like), torch.zeros_like(like))

    def forward(
        self, values: torch.Tensor, gradient: torch.Tensor, loss: torch.Tensor, gates: Gates
    ) -> tuple[torch.Tensor, Gates]:
        """The next values (N,) and state; loss and gradient, (N,) each, are constants for the meta-gradient."""
        seen = torch.cat([preprocessed(loss), preprocessed(gradient)], dim=1).detach()
        hidden, cell = self.lstm(seen, (gates.hidden, gates.cell))
        forget, step = (
            linear(torch.cat([hidden, values.unsqueeze(1), before.unsqueeze(1)], dim=1)).squeeze(1)
            for linear, before in ((self.forget, gates.forget), (self.step, gates.step))
        )
        values = forget.sigmoid() * values - step.sigmoid() * gradient.detach()
        return values, Gates(hidden, cell, forget, step)


def preprocessed(x: torch.Tensor) -> torch.Tensor:
    """Size and sign of (N,) values, (N, 2), so that a network can tell small ones apart (appendix)."""
    large = x.abs() >= math.exp(-SCALE)
    size = torch.where(large, x.abs().clamp_min(math.exp(-SCALE)).log() / SCALE, -1.0)
    sign = torch.where(large, x.sign(), math.exp(SCALE) * x)
    return torch.stack([size, sign], dim=1)
