"""Statistics of each set (`batch_norm: episode`) beside running ones, which cost no pass over the maps."""

import dataclasses
from collections.abc import Callable, Iterator

import torch

from benchmarks.scenes import QUERY, WAY, Scene
from benchmarks.timing import Comparison
from mtl.data.tasks import TaskShape
from mtl.runtime.device import Device
from mtl.training.meta_step import MetaStep

TASKS = 2


def set_statistics(scene: Scene) -> Iterator[Comparison]:
    """A meta-update, and embedding its sets, in bfloat16: passes weigh most where convolutions are fastest."""
    half = dataclasses.replace(scene, device=Device(scene.device.torch_device, torch.bfloat16))
    for subject, work in (("meta-update (SS)", update), ("embedding two tasks", embedding)):
        yield Comparison(
            f"{subject}, bfloat16, episode statistics", scene.name, work(half, "episode"), "running statistics",
            work(half, "running"), 3 * scene.repeats,
        )  # fmt: skip


def update(scene: Scene, statistics: str) -> Callable[[], object]:
    """A meta-update of two tasks."""
    learner, images, tasks = scene.learner("ss-all", statistics=statistics), scene.images(), scene.tasks(TASKS)
    step = MetaStep(learner, TaskShape(WAY, 1, QUERY), scene.device.torch_device)
    return lambda: step(images, tasks, 1e-3)


def embedding(scene: Scene, statistics: str) -> Callable[[], object]:
    """The features of the sets of two tasks, as an evaluation embeds them."""
    learner, images, tasks = scene.learner("ss-all", statistics=statistics), scene.images(), scene.tasks(TASKS)
    sets = [images[torch.from_numpy(rows).to(images.device)] for rows in (tasks.support, tasks.query)]
    return torch.no_grad()(lambda: learner.embed_sets(*sets))
