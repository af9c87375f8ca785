"""FEAT (Ye et al. 2020), prototypes that see each other: self-attention adapts the class means to their task.

There is one head, no dropout, and no auxiliary loss.

Options:
    temperature: by which squared distances are divided. The authors' code has 32 to 128, for 64 to 640 features.
"""

import torch
from torch import nn

from mtl.learners.embedding import Embedding
from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.nearest_mean import class_means, nearest_of
from mtl.runtime.errors import UserError
from mtl.runtime.seeds import torch_generator

KEYS = ("modulate", "scope", "scale", "shift")
OPTIONS = {"temperature": 64.0}
INNER_STEPS = False
ANY_WAY = True
WHOLE_QUERY_SETS = True
JOINT = True


class SelfAttention(nn.Module):
    """A set to a set of the same size: attention, a residual connection and layer norm."""

    def __init__(self, dimensions: int, seed: int) -> None:
        """With 4 D² weights, initially drawn by a seed."""
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(dimensions, dimensions, bias=False) for _ in range(3))
        self.output = nn.Linear(dimensions, dimensions)
        self.norm = nn.LayerNorm(dimensions)
        generator = torch_generator(seed, "attention")
        for linear in (self.query, self.key, self.value, self.output):
            nn.init.xavier_normal_(linear.weight, generator=generator)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, N, D) to (T, N, D)."""
        inner = self.query(x) @ self.key(x).transpose(1, 2)
        attention = (inner * x.shape[2] ** -0.5).softmax(dim=2)
        adapted: torch.Tensor = self.norm(x + self.output(attention @ self.value(x)))
        return adapted


class Attention(Embedding):
    """Prototypical Networks with adapted prototypes."""

    joint = JOINT

    def __init__(self, setup: LearnerSetup) -> None:
        """Adds the self-attention."""
        super().__init__(setup)
        self._temperature = float(setup.options(OPTIONS)["temperature"])
        if self._temperature <= 0:
            raise UserError(f"options.temperature: {self._temperature} is not above 0")
        self.theta_attention = SelfAttention(setup.head.weight.shape[1], setup.seed)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Minus the squared distances to the adapted prototypes over the temperature, (T, Q, way)."""
        prototypes = self.theta_attention(class_means(support, labels))
        return nearest_of(prototypes, query) / self._temperature


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return Attention(setup)
