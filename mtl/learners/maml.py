"""MAML and its ablation without meta-learning: tasks adapt the whole network [Θ;θ]."""

from contextlib import nullcontext

import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from mtl.learners.learner import Learner, LearnerSetup
from mtl.networks.backbone import to_unit_interval

# Limits on a CPU: weights, and pixels of query images, of the tasks that run together. Beyond them, the convolutions
# grouped by task no longer fit in its cache and are slower than one task after another.
WEIGHTS_AT_ONCE = 1_300_000
PIXELS_AT_ONCE = 250_000
EPISODES_AT_ONCE = 16

KEYS = ("theta_init",)
INNER_STEPS = True
WHOLE_QUERY_SETS = True


class WholeNetwork(Learner):
    """Gradient descent on all of [Θ;θ] within each task; every task has its own copy, all run as one batch.

    If the method is meta-trained, the outer loop updates the [Θ;θ] that tasks start from (MAML, Finn et al. 2017,
    algorithm 2).
    """

    def __init__(self, setup: LearnerSetup, second_order: bool) -> None:
        """With `second_order` the outer gradient flows through the inner ones; otherwise it is first-order MAML."""
        super().__init__()
        learned = setup.method.meta_trained
        backbone = setup.backbone
        self.steps = setup.steps
        self.episodes_at_once = EPISODES_AT_ONCE
        self._weights = sum(parameter.numel() for parameter in backbone.parameters())
        self._learning_rate = setup.learning_rate
        self._second_order = second_order
        self.backbone = backbone.requires_grad_(learned).eval()
        backbone.set_batch_norm(setup.batch_norm)
        # When stacked by task, weights in channels-last order would be copied at every use.
        backbone.to(memory_format=torch.contiguous_format)
        self.theta_weight = nn.Parameter(setup.head.weight, requires_grad=learned)
        self.theta_bias = nn.Parameter(setup.head.bias, requires_grad=learned)

    def bank(self, images: torch.Tensor) -> torch.Tensor:
        """The images themselves: nothing is frozen."""
        return images

    def embed(self, banked: torch.Tensor) -> torch.Tensor:
        """The images themselves: their features depend on the task."""
        return banked

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) uint8 to (N, way) logits."""
        # In float32, because autocast reaches only some operations under `vmap`.
        features = self.backbone(to_unit_interval(images))
        return F.linear(features.to(self.theta_weight.dtype), self.theta_weight, self.theta_bias)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits of the networks adapted to each task."""
        initial = dict(self.named_parameters())

        def support_loss(parameters: dict[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(functional_call(self, parameters, (images,)), labels)

        def one_task(support: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
            parameters: dict[str, torch.Tensor] = dict(initial)
            for _ in range(self.steps):
                with nullcontext() if self._second_order else torch.no_grad():
                    gradient = grad(support_loss)(parameters, support)
                parameters = {name: value - self._learning_rate * gradient[name] for name, value in parameters.items()}
            logits: torch.Tensor = functional_call(self, parameters, (query,))
            return logits

        logits: torch.Tensor = vmap(one_task, chunk_size=tasks_at_once(query, self._weights))(support, query)
        return logits


def tasks_at_once(query: torch.Tensor, weights: int) -> int | None:
    """How many tasks run together, from their queries (T, Q, ...) and the weights that each has; None for all."""
    if query.is_cuda:
        return None
    return max(1, min(WEIGHTS_AT_ONCE // weights, PIXELS_AT_ONCE // query[0, :, 0].numel()))


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method, with meta-gradients of second order unless first order is asked for."""
    return WholeNetwork(setup, second_order=not setup.first_order)
