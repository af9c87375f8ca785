"""The `pretrain` stage: Θ on all training classes at once (paper, section 4.1); the classifier is discarded."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from mtl.data.image_set import ImageSet, load_split
from mtl.data.tasks import Tasks, TaskShape, draw_uniform
from mtl.evaluation.episodes import episode_accuracies, gathered, in_batches, nearest_mean
from mtl.learners.build import features_of, random_backbone, save_tensors
from mtl.learners.learner import to_unit_interval
from mtl.networks import Backbone
from mtl.runtime.device import Device, set_up
from mtl.runtime.files import write_json
from mtl.runtime.progress import Progress
from mtl.runtime.provenance import provenance
from mtl.runtime.seeds import numpy_generator, torch_generator
from mtl.spec import PretrainSpec
from mtl.training.augment import augment
from mtl.training.history import History
from mtl.training.optimizers import build_optimizer

VALIDATION_EPISODES = 600


@dataclass(frozen=True)
class PretrainPaths:
    """What pre-training reads and writes."""

    images: Path
    split: Path
    model: Path
    history: Path
    summary: Path


def pretrain(spec: PretrainSpec, resolved: str, paths: PretrainPaths) -> None:
    """Trains for a fixed number of iterations, without selection, and writes Θ, its history and a summary.

    The validation accuracy in the history is that of the nearest class mean on 5-way 1-shot tasks of validation
    classes. It selects nothing, and the tasks are its own, so Θ depends on no setting of meta-training.
    """
    device = set_up(spec.runtime)
    train = load_split(paths.images, paths.split, "train", device.torch_device)
    validation = load_split(paths.images, paths.split, "val", device.torch_device)
    rows, rng = validation.rows_by_class, numpy_generator(spec.seed, "pretrain validation")
    shape = TaskShape(min(5, len(rows)), 1, min(15, *(len(images) - 1 for images in rows)))
    episodes = draw_uniform(rows, shape, VALIDATION_EPISODES, rng)

    # This seeds torch's global stream, from which dropout draws too.
    backbone = random_backbone(spec.network, spec.seed, spec.pretrain.dropout)
    classifier = nn.Linear(features_of(backbone, spec.network.image_size), len(train.class_names))
    network = nn.Sequential(backbone, classifier).to(device.torch_device)
    history = _run(spec, device, train, network, lambda: _validate(backbone, validation, episodes, device))

    save_tensors(backbone.state_dict(), paths.model)
    history.write(paths.history)
    inputs = {name: getattr(paths, name) for name in ("images", "split")}
    parameters = sum(parameter.numel() for parameter in backbone.parameters())
    write_json(
        paths.summary,
        {"parameters": parameters, "provenance": provenance(json.loads(resolved), inputs, device)},
    )


def _run(
    spec: PretrainSpec, device: Device, train: ImageSet, network: nn.Sequential, validate: Callable[[], float]
) -> History:
    settings, history = spec.pretrain, History()
    labels = torch.from_numpy(train.labels).to(device.torch_device)
    optimizer, rate_at = build_optimizer(settings, network)
    shuffling = torch_generator(spec.seed, "pretrain batches")
    augmenting = torch_generator(spec.seed, "pretrain augmentation")
    batches = _batches(len(labels), settings.batch_size, shuffling)
    with Progress(f"pretrain {spec.network.name}", settings.iterations) as progress:
        for iteration in range(settings.iterations + 1):
            if iteration % settings.log_every == 0 or iteration == settings.iterations:
                history.validated(iteration, accuracy := validate())
                progress.report(**history.recent(settings.log_every), validation_accuracy=accuracy)
            if iteration == settings.iterations:
                break
            chosen = next(batches).to(device.torch_device)
            images = augment(train.images[chosen], settings.crop_padding, settings.flip, augmenting)
            rate = rate_at(iteration)
            loss, correct = _step(network, optimizer, rate, device, images, labels[chosen])
            history.trained(0, "pretrain", loss, correct, rate)
            progress.step()
    return history


def _step(
    network: nn.Sequential,
    optimizer: torch.optim.Optimizer,
    rate: float,
    device: Device,
    images: torch.Tensor,
    labels: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
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


def _batches(count: int, batch_size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Shuffled batches without end; the last images of a pass that do not fill a batch are left for another pass."""
    while True:
        order = torch.randperm(count, generator=generator)
        yield from order[: count - count % batch_size].split(batch_size)


def _validate(backbone: Backbone, validation: ImageSet, episodes: Tasks, device: Device) -> float:
    backbone.eval()
    with torch.no_grad(), device.autocast():
        features = in_batches(lambda images: backbone(to_unit_interval(images)), validation.images)
    sets, count = gathered(features.float(), episodes), len(episodes.classes)
    return float(episode_accuracies(nearest_mean, sets, episodes, count).mean())
