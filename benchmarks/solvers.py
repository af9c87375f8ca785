"""Base-learner, MAML and feature banks beside the obvious alternatives."""

from collections.abc import Iterator

import torch
from torch.func import functional_call
from torch.nn import functional as F

from benchmarks.scenes import QUERY, WAY, Scene
from benchmarks.timing import Comparison
from mtl.data.tasks import TaskShape, labels
from mtl.evaluation.scoring import bank
from mtl.learners import Learner
from mtl.learners.base_learner import adapt
from mtl.learners.learner import Head
from mtl.training.meta_step import MetaStep

EPISODES, STEPS, RATE = 600, 100, 0.05
MAML_STEPS, MAML_RATE = 5, 0.01


def solvers(scene: Scene) -> Iterator[Comparison]:
    """Base-learner, banks, MAML."""
    yield from _base_learner(scene)
    for method in ("ft-head", "ss-last"):
        yield _bank(scene, method)


def _base_learner(scene: Scene) -> Iterator[Comparison]:
    dimensions, device = 8 * scene.network.width, scene.device.torch_device
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(EPISODES, WAY, dimensions, generator=generator).to(device)
    targets = torch.from_numpy(labels(WAY, 1)).to(device)
    head = Head(torch.zeros(WAY, dimensions, device=device), torch.zeros(WAY, device=device))

    def ours() -> None:
        adapt(head, features, targets, RATE, STEPS)

    def products() -> None:
        weight = head.weight.expand(EPISODES, -1, -1)
        for _ in range(STEPS):
            scores = torch.bmm(features, weight.transpose(1, 2))
            weight = torch.baddbmm(weight, scores.transpose(1, 2), features, alpha=-RATE)

    subject = f"base-learner, {EPISODES} episodes, {STEPS} steps"
    yield Comparison(subject, scene.name, ours, "its matrix products", products, 5)
    yield Comparison(
        subject, scene.name, ours, "autograd, one episode after another", lambda: loop(head, features, targets), 5
    )


def loop(head: Head, features: torch.Tensor, targets: torch.Tensor) -> list[Head]:
    """The base-learner as most code implements it."""
    adapted = []
    for episode in features:
        weight, bias = (value.clone().requires_grad_() for value in head)
        for _ in range(STEPS):
            loss = F.cross_entropy(F.linear(episode, weight, bias), targets)
            gradients = torch.autograd.grad(loss, (weight, bias))
            weight, bias = (
                (value - RATE * gradient).detach().requires_grad_()
                for value, gradient in zip((weight, bias), gradients, strict=True)
            )
        adapted.append(Head(weight, bias))
    return adapted


def _bank(scene: Scene, method: str) -> Comparison:
    images, tasks = scene.images(), scene.tasks(2)
    shape, device = TaskShape(WAY, 1, QUERY), scene.device.torch_device
    banked_learner, learner = scene.learner(method), scene.learner(method)
    banked = bank(banked_learner, images)
    with_bank, without = MetaStep(banked_learner, shape, device), MetaStep(Unbanked(learner), shape, device)
    return Comparison(
        f"meta-training iteration ({method}) on a bank", scene.name, lambda: with_bank(banked, tasks, 1e-3),
        "the same without", lambda: without(images, tasks, 1e-3), scene.repeats,
    )  # fmt: skip


class Unbanked(Learner):
    """A learner that runs its frozen blocks again in every iteration."""

    def __init__(self, inner: Learner) -> None:
        super().__init__()
        self.inner, self.steps, self.episodes_at_once = inner, inner.steps, inner.episodes_at_once

    def bank(self, images: torch.Tensor) -> torch.Tensor:
        """The images."""
        return images

    def embed(self, banked: torch.Tensor) -> torch.Tensor:
        """All blocks."""
        encoded = self.inner.bank(banked.flatten(0, 1)).unflatten(0, banked.shape[:2])
        return self.inner.embed(encoded)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """As the inner learner."""
        return self.inner.predict(support, labels, query)


def maml(scene: Scene, tasks: int = 4) -> Comparison:
    """The tasks of a meta-batch at once, and one after another with plain autograd."""
    learner, images, drawn = scene.learner("maml", MAML_STEPS, MAML_RATE), scene.images(), scene.tasks(tasks)
    support, query = (images[torch.from_numpy(rows).to(images.device)] for rows in (drawn.support, drawn.query))
    labels_of, targets = (torch.from_numpy(labels(WAY, n)).to(images.device) for n in (1, QUERY))

    def batched() -> None:
        loss, _ = learner.loss(support, labels_of, query, targets)
        loss.backward()

    def one_after_another() -> None:
        for task in range(tasks):
            values: dict[str, torch.Tensor] = dict(learner.named_parameters())
            for _ in range(MAML_STEPS):
                loss = F.cross_entropy(functional_call(learner, values, (support[task],)), labels_of)
                gradients = torch.autograd.grad(loss, list(values.values()), create_graph=True)
                pairs = zip(values.items(), gradients, strict=True)
                values = {name: value - MAML_RATE * gradient for (name, value), gradient in pairs}
            (F.cross_entropy(functional_call(learner, values, (query[task],)), targets) / tasks).backward()

    return Comparison(
        f"MAML meta-batch of {tasks}", scene.name, batched, "one task after another", one_after_another, scene.repeats
    )
