"""Runs a little of a job on images of noise, and says how long all of it will take here."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from mtl.data.tasks import Tasks, TaskShape, draw_uniform, with_mirrored_support
from mtl.evaluation.evaluate import learner_to_evaluate
from mtl.evaluation.scoring import bank, embed_episodes, in_batches, score
from mtl.learners import Learner
from mtl.networks.backbone import to_unit_interval
from mtl.networks.weights import features_of, random_backbone
from mtl.runtime.device import Device, set_up
from mtl.runtime.extensions import load, module_of
from mtl.specs.evaluating import EvaluateSpec
from mtl.specs.meta_training import MetaTrainSpec
from mtl.specs.pretraining import PretrainSpec
from mtl.training.meta_step import MetaStep
from mtl.training.meta_train import learner_to_train
from mtl.training.pretrain import pretrain_step

LEAST = 0.4  # seconds that a measurement takes at least
FLOAT = 4  # bytes


class Images(NamedTuple):
    """How many images the splits of a dataset have."""

    train: int
    val: int
    test: int


class Cost(NamedTuple):
    """What a job takes on this machine."""

    seconds: float
    bytes: int


@dataclass(frozen=True)
class _Noise:
    """A few images of noise, class by class, and tasks drawn from them."""

    pixels: torch.Tensor
    rows: list[np.ndarray]

    @classmethod
    def of(cls, size: int, way: int, per_class: int, device: torch.device) -> "_Noise":
        count = way * per_class
        pixels = torch.randint(256, (count, size, size, 3), dtype=torch.uint8).to(device).permute(0, 3, 1, 2)
        return cls(pixels, list(np.arange(count).reshape(way, per_class)))

    def tasks(self, shape: TaskShape, count: int) -> Tasks:
        return draw_uniform(self.rows, shape, count, np.random.default_rng(0))


def pretraining(spec: PretrainSpec, images: Images) -> Cost:
    """Batches, and a pass over the validation images at each report."""
    device = set_up(**vars(spec.runtime))
    settings = spec.pretrain
    noise = _Noise.of(spec.network.image_size, 1, settings.batch_size, device.torch_device)
    backbone = random_backbone(spec.network, 0, settings.dropout)
    classes = 64  # their number costs nothing
    head = nn.Linear(features_of(backbone, spec.network.image_size), classes)
    network = nn.Sequential(backbone, head).to(device.torch_device)
    optimizer, _ = load("training.optimizers", module_of(settings.optimizer)).build(settings, network)
    labels = torch.zeros(settings.batch_size, dtype=torch.long, device=device.torch_device)
    batch = _timed(lambda: pretrain_step(network, optimizer, 1e-4, device, noise.pixels, labels), device)
    network.eval()

    def encode() -> None:
        with device.autocast():
            in_batches(backbone, lambda backbone, part: backbone(to_unit_interval(part)), noise.pixels)

    image = _timed(encode, device) / settings.batch_size
    validations = 1 + settings.iterations // settings.log_every
    seconds = settings.iterations * batch + validations * images.val * image
    return Cost(seconds, FLOAT * sum(value.numel() for value in backbone.state_dict().values()))


def meta_training(spec: MetaTrainSpec, images: Images) -> Cost:
    """Meta-batches, and a validation every so often."""
    device = set_up(**vars(spec.runtime))
    settings = spec.meta_train
    learner = learner_to_train(spec, None, device)
    shape = TaskShape(settings.way or spec.way, spec.shot, settings.query)
    noise = _Noise.of(spec.network.image_size, shape.way, shape.shot + shape.query, device.torch_device)
    banked = bank(learner, noise.pixels)
    step = MetaStep(learner, shape, device.torch_device)
    tasks = noise.tasks(shape, settings.tasks)
    update = _timed(lambda: step(banked, tasks, 1e-6), device)
    validated = TaskShape(spec.way, spec.shot, spec.validation.query)
    scoring = _Scoring.of(learner, validated, spec.network.image_size, spec.queries_together, False, device)
    once = scoring.embedding(images.val, spec.validation.count) + scoring.solving(spec.validation.count)
    validations = 1 + settings.iterations // settings.validate_every
    seconds = scoring.banking(images.train + images.val) + settings.iterations * update + validations * once
    learned = FLOAT * sum(value.numel() for value in learner.learned().values())
    return Cost(seconds, learned * (1 + len(settings.snapshots)))


def evaluation(spec: EvaluateSpec, images: Images) -> Cost:
    """The choice of the number of inner steps on validation episodes, and the test."""
    learner, scoring = _evaluated(spec)
    candidates = spec.base_learner.test_steps if spec.base_learner else []
    pixels, episodes = images.test, spec.test.count
    seconds = scoring.solving(spec.test.count)
    if len(candidates) > 1:
        pixels, episodes = pixels + images.val, episodes + spec.validation.count
        for steps in candidates:
            learner.steps = steps
            seconds += scoring.solving(spec.validation.count)
    return Cost(seconds + scoring.banking(pixels) + scoring.embedding(pixels, episodes), 0)


def curve(spec: EvaluateSpec, images: Images, snapshots: int) -> Cost:
    """A test of each snapshot."""
    _, scoring = _evaluated(spec)
    once = scoring.embedding(images.test, spec.test.count) + scoring.solving(spec.test.count)
    return Cost(scoring.banking(images.test) + snapshots * once, 0)


def _evaluated(spec: EvaluateSpec) -> tuple[Learner, "_Scoring"]:
    device = set_up(**vars(spec.runtime))
    most = max(spec.base_learner.test_steps) if spec.base_learner else None
    learner = learner_to_evaluate(spec, None, device, most)
    shape = TaskShape(spec.way, spec.shot, spec.test.query)
    scoring = _Scoring.of(learner, shape, spec.network.image_size, spec.queries_together, spec.flip_support, device)
    if learner.source_images:
        learner.see_source(bank(learner, scoring.noise.pixels))
    return learner, scoring


@dataclass(frozen=True)
class _Scoring:
    """The parts of scoring a learner on stored episodes; each is measured when it is asked for."""

    learner: Learner
    shape: TaskShape
    noise: _Noise
    together: int | None
    mirrored: bool
    device: Device

    @classmethod
    def of(
        cls, learner: Learner, shape: TaskShape, size: int, together: int | None, mirrored: bool, device: Device
    ) -> "_Scoring":
        noise = _Noise.of(size, shape.way, shape.shot + shape.query, device.torch_device)
        return cls(learner, shape, noise, together, mirrored, device)

    def banking(self, images: int) -> float:
        """Seconds for the frozen part of all images."""
        return images * _timed(lambda: bank(self.learner, self._pixels), self.device) / len(self._pixels)

    def embedding(self, images: int, episodes: int) -> float:
        """Seconds for embedding each image once, or each set of each episode."""
        tasks, banked = self._tasks(2), bank(self.learner, self._pixels)
        once = _timed(lambda: embed_episodes(self.learner, banked, tasks, self.together), self.device)
        factor = 2 if self.mirrored else 1
        return once * (factor * images / len(banked) if self.learner.per_image else episodes / 2)

    def solving(self, episodes: int) -> float:
        """Seconds for predicting, with as many inner steps as the learner has."""
        banked = bank(self.learner, self._pixels)
        two = embed_episodes(self.learner, banked, self._tasks(2), self.together)(slice(0, 2))

        def again(part: slice) -> tuple[torch.Tensor, torch.Tensor]:
            """The same two episodes over and over: to embed others would take longer than to solve them."""
            chosen = torch.arange(part.start, part.stop, device=two[0].device) % 2
            return two[0][chosen], two[1][chosen]

        count = 2
        while True:
            many = self._tasks(count)
            seconds = _timed(lambda: score(self.learner, again, many), self.device, least=0)  # noqa: B023
            # Many episodes at once take less time each than few.
            if seconds > LEAST / 4 or count >= episodes:
                return seconds / count * episodes
            count = min(4 * count, episodes)

    @property
    def _pixels(self) -> torch.Tensor:
        pixels = self.noise.pixels
        return torch.cat([pixels, pixels.flip(3)]) if self.mirrored else pixels

    def _tasks(self, count: int) -> Tasks:
        tasks = self.noise.tasks(self.shape, count)
        return with_mirrored_support(tasks, len(self.noise.pixels)) if self.mirrored else tasks


def _timed(work: Callable[[], object], device: Device, least: float | None = None) -> float:
    """Seconds of the fastest call, after one that warms up; the fewer calls, the longer they take.

    The fastest is the one that other work on the machine disturbed least.
    """

    def finish() -> None:
        if device.torch_device.type == "cuda":
            torch.cuda.synchronize()

    work()
    finish()
    least = LEAST if least is None else least
    fastest, began = math.inf, time.perf_counter()
    while math.isinf(fastest) or time.perf_counter() - began < least:
        start = time.perf_counter()
        work()
        finish()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest
