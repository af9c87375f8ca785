"""The LSTM meta-learner (Ravi and Larochelle 2017): an LSTM makes the steps of a whole network within a task.

Meta-training learns the LSTM and the initial [Θ;θ]. It is of first order: gradients within a task are constants. The
number of steps is that of training at test, too. Every step takes the whole support set, where the authors' code takes
minibatches at 1 shot; and its gradient is that of the mean, which that code divides by the batch once more. As there,
the meta-gradient is clipped. From random weights, batch norm has the statistics of each set, of queries too, so results
are transductive.
"""

from collections.abc import Callable

import torch
from torch.func import functional_call, grad_and_value, vmap
from torch.nn import functional as F

from mtl.learners.clipped_loss import ClippedLoss
from mtl.learners.gated_descent import GatedDescent
from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.maml import WholeNetwork

KEYS = ("theta_init",)
INNER_STEPS = True
WHOLE_QUERY_SETS = True

# Each step of a coordinate keeps some two hundred values for the meta-gradient.
EPISODES_AT_ONCE = 2
NORM = 0.25


class MetaLSTM(ClippedLoss, WholeNetwork):
    """The initial [Θ;θ] of MAML, and an optimizer that is learned with it."""

    clip_norm = NORM

    def __init__(self, setup: LearnerSetup) -> None:
        """Adds the optimizer, whose first steps are about as long as gradient descent would make them."""
        super().__init__(setup, second_order=False)
        self.episodes_at_once = EPISODES_AT_ONCE
        self.theta_optimizer = GatedDescent(setup.learning_rate, setup.seed)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits of the networks that the optimizer makes of each task."""
        initial = {name: p for name, p in self.named_parameters() if not name.startswith("theta_optimizer.")}
        sizes = {name: p.shape for name, p in initial.items()}
        count = sum(size.numel() for size in sizes.values())

        def network(values: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
            parts = values.split([size.numel() for size in sizes.values()])
            parameters = {name: part.view(size) for (name, size), part in zip(sizes.items(), parts, strict=True)}
            logits: torch.Tensor = functional_call(self, parameters, (images,))
            return logits

        def support_loss(values: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(network(values, images), labels)

        start = torch.cat([value.flatten() for value in initial.values()])
        values = stepped(
            self.theta_optimizer, start, len(support), self.steps, vmap(grad_and_value(support_loss)), support
        )
        logits: torch.Tensor = vmap(network)(values.view(-1, count), query)
        return logits


def stepped(
    optimizer: GatedDescent,
    start: torch.Tensor,
    tasks: int,
    steps: int,
    slope: Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]],
    support: torch.Tensor,
) -> torch.Tensor:
    """The parameters of T tasks after some steps.

    Args:
        optimizer: makes the steps.
        start: (P,), where all tasks start.
        tasks: T.
        steps: how many.
        slope: from parameters (T, P) and support sets to gradients (T, P) and losses (T,).
        support: the support sets, (T, S, ...).

    Returns:
        (T, P).
    """
    values = start.expand(tasks, -1)
    gates = optimizer.start(values.flatten())
    for _ in range(steps):
        # The values are where the gradient is taken, not part of it: meta-gradients are of first order.
        with torch.no_grad():
            gradient, loss = slope(values.detach(), support)
        each = loss.unsqueeze(1).expand_as(values).flatten()
        flat, gates = optimizer(values.flatten(), gradient.flatten(), each, gates)
        values = flat.view_as(values)
    return values


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return MetaLSTM(setup)
