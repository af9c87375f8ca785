"""The stages beside the bare convolutions of the same network on as many images."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from benchmarks.scenes import CLASSES, METHODS, QUERY, WAY, Scene, takes_steps
from benchmarks.timing import Comparison
from mtl.data.task_samplers import build_sampler
from mtl.data.tasks import TaskShape
from mtl.evaluation.scoring import IMAGES_AT_ONCE, bank, embed_episodes, score
from mtl.learners import Learner
from mtl.networks.backbone import to_unit_interval
from mtl.specs.meta_training import HardTasks
from mtl.training.augment import augment
from mtl.training.meta_step import MetaStep
from mtl.training.pretrain import pretrain_step

EPISODES = 600
TEST_STEPS = (20, 50, 100)
BATCH = 64


def stages(scene: Scene) -> Iterator[Comparison]:
    """Evaluation of a cell, a meta-training iteration, batches of pre-training."""
    yield evaluation(scene)
    yield meta_training(scene)
    yield pretraining(scene)


def evaluation(scene: Scene, method: str = "ss-all", count: int = EPISODES) -> Comparison:
    """A cell's whole evaluation, including the choice among three numbers of steps if it takes any."""
    learner, images, episodes = scene.learner(method), scene.images(), scene.tasks(count)
    steps = TEST_STEPS if takes_steps(method) else (0,)
    if learner.source_images:
        learner.see_source(bank(learner, images[: learner.source_images]))
    backbone = backbone_of(learner)
    rows = torch.from_numpy(np.concatenate([episodes.support.ravel(), episodes.query.ravel()]))
    if METHODS[method]["pretrained"]:  # running statistics, with which an image has the same features in every set
        rows = rows.unique()
    used = images[rows.to(images.device)].contiguous(memory_format=torch.channels_last)

    def ours() -> None:
        sets = embed_episodes(learner, bank(learner, images), episodes)
        for learner.steps in steps:
            score(learner, sets, episodes)

    def bare() -> None:
        with torch.no_grad(), scene.device.autocast():
            for batch in used.split(IMAGES_AT_ONCE[used.device.type]):
                backbone(to_unit_interval(batch))

    subject = f"evaluating {count} episodes" + ("" if method == "ss-all" else f" ({method})")
    return Comparison(subject, scene.name, ours, "forward pass of their images", bare, scene.repeats)


def meta_training(scene: Scene, method: str = "ss-all-ht", steps: int = 20) -> Comparison:
    """A meta-update of two tasks, including drawing them."""
    learner, images = scene.learner(method, steps), scene.images()
    backbone = backbone_of(learner)
    shape, tasks = TaskShape(WAY, 1, QUERY), 2
    step = MetaStep(learner, shape, scene.device.torch_device)
    rngs = np.random.default_rng(0), np.random.default_rng(1)
    sampler = build_sampler("hard", scene.rows_by_class, shape, tasks, HardTasks(every=10, tasks=10), rngs)
    count = tasks * WAY * (1 + QUERY)

    def ours() -> None:
        _, drawn = sampler.draw()
        _, accuracy = step(images, drawn, 1e-3)
        sampler.observe(accuracy.cpu().numpy())

    subject = "meta-training iteration (" + ("SS, HT)" if method == "ss-all-ht" else f"{method})")
    return Comparison(
        subject, scene.name, ours, "forward and backward",
        lambda: forward_and_backward(scene, backbone, images[:count]), scene.repeats,
    )  # fmt: skip


def pretraining(scene: Scene) -> Comparison:
    """Some batches of an epoch, including shuffling and augmentation."""
    images, batches = scene.images(), 1 + CLASSES * scene.per_class // BATCH // 5
    labels = torch.arange(CLASSES, device=scene.device.torch_device).repeat_interleave(scene.per_class)
    backbone = scene.backbone()
    network = nn.Sequential(backbone, nn.Linear(8 * scene.network.width, CLASSES).to(scene.device.torch_device))
    optimizer, generator = torch.optim.Adam(network.parameters()), torch.Generator().manual_seed(0)

    def ours() -> None:
        order = torch.randperm(len(images), generator=generator)
        for chosen in order[: batches * BATCH].split(BATCH):
            batch = augment(images[chosen.to(images.device)], 4, True, generator)
            pretrain_step(network, optimizer, 1e-3, scene.device, batch, labels[chosen.to(images.device)])

    def bare() -> None:
        for _ in range(batches):
            forward_and_backward(scene, backbone, images[:BATCH])

    return Comparison(
        f"pre-training, {batches} batches of {BATCH}", scene.name, ours, "forward and backward", bare, scene.repeats
    )


def backbone_of(learner: Learner) -> nn.Module:
    """The network inside a learner, with the same parametrisation and trainable weights."""
    return learner.get_submodule("backbone")


def forward_and_backward(scene: Scene, backbone: nn.Module, images: torch.Tensor) -> None:
    """The floor of training: the network's convolutions with a given output gradient."""
    with scene.device.autocast():
        features = backbone(to_unit_interval(images))
    features.backward(torch.ones_like(features))
    for value in backbone.parameters():
        value.grad = None
