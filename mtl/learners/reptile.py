"""Reptile (Nichol, Achiam and Schulman 2018): the initial [Θ;θ] moves to where tasks end, without second derivatives.

In training a task makes its steps on minibatches of all its images, queries too, with their labels; at test on its
support set, as MAML. Steps are plain gradient descent, where the authors' code has Adam without momentum; and the
difference is the gradient for the Adam of the outer loop, as their section 2 allows, where their code moves a part ε of
the way. From random weights, batch norm has the statistics of each minibatch, so results are those that the authors
call transductive.

Options:
    batch: images of a minibatch.
"""

import torch
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.maml import WholeNetwork, tasks_at_once
from mtl.learners.surrogate import surrogate
from mtl.runtime.device import sent
from mtl.runtime.seeds import torch_generator

KEYS = ("theta_init",)
INNER_STEPS = True
WHOLE_QUERY_SETS = True
OPTIONS = {"batch": 10.0}


class Reptile(WholeNetwork):
    """Trains on tasks as if they were small datasets; `predict` is that of MAML."""

    def __init__(self, setup: LearnerSetup) -> None:
        """Takes minibatches of the option `batch`."""
        super().__init__(setup, second_order=False)
        self._batch = int(setup.options(OPTIONS)["batch"])

    def loss(
        self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The cross-entropy of the queries after adaptation, with the gradient φ − mean θ̃ of algorithm 1; logits."""
        images, answers = torch.cat([support, query], dim=1), torch.cat([labels, targets])
        initial: dict[str, torch.Tensor] = dict(self.named_parameters())
        batches = sent(minibatches(images.shape[1], self._batch, self.steps), images.device)

        def batch_loss(parameters: dict[str, torch.Tensor], images: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(functional_call(self, parameters, (images[of],)), answers[of])

        def one_task(images: torch.Tensor, query: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
            parameters = dict(initial)
            for chosen in batches:
                gradient = grad(batch_loss)(parameters, images, chosen)
                parameters = {name: value - self._learning_rate * gradient[name] for name, value in parameters.items()}
            return parameters, functional_call(self, parameters, (query,))

        with torch.no_grad():
            adapted, logits = vmap(one_task, chunk_size=tasks_at_once(query, self._weights))(images, query)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.repeat(len(logits)))
        steps = (value - adapted[name].mean(dim=0) for name, value in initial.items())
        return surrogate(loss, initial.values(), steps), logits


def minibatches(images: int, batch: int, count: int) -> torch.Tensor:
    """Which of a task's images are in each minibatch, (count, batch): pass after pass in one fixed random order.

    The same for all tasks, so that nothing is drawn in the course of training.
    """
    order = torch.randperm(images, generator=torch_generator(0, f"minibatches of {images} images"))
    return order.repeat(-(-count * batch // images))[: count * batch].view(count, batch)


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return Reptile(setup)
