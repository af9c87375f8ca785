"""The `pretrain` stage: trains Θ on all training classes at once (paper, section 4.1), discards the classifier."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from mtl.data.image_set import ImageSet, load_split
from mtl.data.tasks import Tasks, TaskShape, draw_uniform
from mtl.evaluation.scoring import accuracies, episode_predictions, gathered, in_batches
from mtl.learners.nearest_mean import nearest_mean
from mtl.networks.backbone import Backbone, to_unit_interval
from mtl.networks.weights import features_of, random_backbone, save_tensors
from mtl.runtime.device import Device, set_up
from mtl.runtime.extensions import load, module_of
from mtl.runtime.files import write_json
from mtl.runtime.memory import Parts
from mtl.runtime.progress import Progress
from mtl.runtime.provenance import outputs, provenance
from mtl.runtime.seeds import numpy_generator, random_state, set_random_state, torch_generator
from mtl.specs.pretraining import PretrainSpec
from mtl.specs.reading import to_plain
from mtl.specs.stages import entry_points
from mtl.training.augment import augment
from mtl.training.checkpoint import Checkpoint, State, finished
from mtl.training.history import History

VALIDATION_EPISODES = 600


@dataclass(frozen=True)
class PretrainPaths:
    """What pre-training reads and writes."""

    images: Path
    split: Path
    model: Path
    history: Path
    summary: Path


def pretrain(spec: PretrainSpec, paths: PretrainPaths) -> None:
    """Trains for a fixed number of iterations, without selection, and writes Θ, its history and a summary.

    The validation accuracy in the history is that of the nearest class mean on 5-way 1-shot tasks of validation
    classes. It selects nothing, and only pre-training uses these tasks, so Θ depends on no setting of meta-training.
    """
    device = set_up(**vars(spec.runtime))
    train = load_split(paths.images, paths.split, "train", device.torch_device)
    validation = load_split(paths.images, paths.split, "val", device.torch_device)
    rows = validation.rows_by_class
    rng = numpy_generator(spec.seed, "pretrain validation")
    shape = TaskShape(min(5, len(rows)), 1, min(15, *(len(images) - 1 for images in rows)))
    episodes = draw_uniform(rows, shape, VALIDATION_EPISODES, rng)

    # This seeds torch's global stream, from which dropout draws too.
    backbone = random_backbone(spec.network, spec.seed, spec.pretrain.dropout)
    classifier = nn.Linear(features_of(backbone, spec.network.image_size), len(train.class_names))
    network = nn.Sequential(backbone, classifier).to(device.torch_device)
    inputs = {name: getattr(paths, name) for name in ("images", "split")}
    entries = entry_points("pretrain", spec.network.name, optimizer=spec.pretrain.optimizer)
    record = provenance(to_plain(spec), inputs, device, *entries)
    with Checkpoint(paths.model.with_name(".pretrain.checkpoint"), record) as checkpoint:
        if finished(paths.summary, record):
            return
        validate = functools.partial(_validate, backbone, validation, episodes, device)
        history = _run(spec, device, train, network, validate, checkpoint)
        save_tensors(backbone.state_dict(), paths.model)
        history.write(paths.history)
        parameters = sum(parameter.numel() for parameter in backbone.parameters())
        written = outputs(paths.model, paths.history)
        write_json(paths.summary, {"parameters": parameters, "outputs": written, "provenance": record})


def _run(
    spec: PretrainSpec,
    device: Device,
    train: ImageSet,
    network: nn.Sequential,
    validate: Callable[[], float],
    checkpoint: Checkpoint,
) -> History:
    settings = spec.pretrain
    history = History()
    labels = torch.from_numpy(train.labels).to(device.torch_device)
    optimizer, rate_at = load("training.optimizers", module_of(settings.optimizer)).build(settings, network)
    shuffling = torch_generator(spec.seed, "pretrain batches")
    augmenting = torch_generator(spec.seed, "pretrain augmentation")
    batches = Batches(len(labels), settings.batch_size, shuffling)
    start = 0
    if (state := checkpoint.restore()) is not None:
        start = state["iteration"]
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        batches.restore(state["batches"])
        augmenting.set_state(state["augmenting"])
        set_random_state(state["random"], device.torch_device)
        history.restore(state["history"])

    def current() -> State:
        return {
            "iteration": iteration,
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "batches": batches.state(),
            "augmenting": augmenting.get_state(),
            "random": random_state(device.torch_device),
            "history": history.state(),
        }

    with Progress(f"pretrain {spec.network.name}", settings.iterations, start) as progress:
        for iteration in range(start, settings.iterations + 1):
            checkpoint.offer(current)
            if iteration % settings.log_every == 0 or iteration == settings.iterations:
                history.check()
                accuracy = validate()
                history.validated(iteration, accuracy)
                progress.report(**history.recent(settings.log_every), validation_accuracy=accuracy)
            if iteration == settings.iterations:
                break
            chosen = batches.draw().to(device.torch_device)
            images = augment(train.images[chosen], settings.crop_padding, settings.flip, augmenting)
            rate = rate_at(iteration)
            loss, correct = pretrain_step(network, optimizer, rate, device, images, labels[chosen])
            history.trained(0, "pretrain", loss, correct, rate)
            progress.step()
    return history


def pretrain_step(
    network: nn.Sequential,
    optimizer: torch.optim.Optimizer,
    rate: float,
    device: Device,
    images: torch.Tensor,
    labels: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Updates backbone and classifier from a batch; returns loss and accuracy (in [0, 1]) before the update.

    Args:
        network: the backbone, then the classifier.
        optimizer: the optimiser of both.
        rate: its learning rate.
        device: decides the dtype of the convolutions.
        images: (B, 3, H, W) uint8.
        labels: (B,) classes.
    """
    network.train()
    backbone, classifier = network
    with device.autocast():
        features = backbone(to_unit_interval(images))
    logits = classifier(features.to(classifier.weight.dtype))
    loss = F.cross_entropy(logits, labels)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss, (logits.argmax(dim=1) == labels).float().mean()


class Batches:
    """Endless shuffled batches; the last images of a pass are skipped if they do not fill a batch."""

    def __init__(self, count: int, batch_size: int, generator: torch.Generator) -> None:
        self._count = count
        self._batch_size = batch_size
        self._generator = generator
        self._order = torch.empty(0, dtype=torch.long)
        self._next = 0

    def draw(self) -> torch.Tensor:
        """The indices of the next batch."""
        if self._next + self._batch_size > len(self._order):
            self._order = torch.randperm(self._count, generator=self._generator)
            self._next = 0
        chosen = self._order[self._next : self._next + self._batch_size]
        self._next += self._batch_size
        return chosen

    def state(self) -> State:
        """The order, position and random stream, for a checkpoint."""
        return {"order": self._order, "next": self._next, "generator": self._generator.get_state()}

    def restore(self, state: State) -> None:
        """Restores what `state` returned."""
        self._order, self._next = state["order"], state["next"]
        self._generator.set_state(state["generator"])


def _validate(backbone: Backbone, validation: ImageSet, episodes: Tasks, device: Device) -> float:
    backbone.eval()
    with device.autocast():
        features = in_batches(backbone, lambda backbone, part: backbone(to_unit_interval(part)), validation.images)
    sets = gathered(features.float(), episodes)
    count, way = episodes.classes.shape
    return float(accuracies(episode_predictions(nearest_mean, sets, episodes, Parts(count, "episodes")), way).mean())
