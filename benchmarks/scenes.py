"""What is timed: a network at one scale, with images of noise and tasks drawn from them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mtl.data.tasks import Tasks, TaskShape, draw_uniform
from mtl.experiment.project import read_yaml
from mtl.learners import Learner, build_learner
from mtl.learners.build import InnerLoop
from mtl.networks.backbone import Backbone
from mtl.networks.weights import new_backbone
from mtl.runtime.device import Device
from mtl.runtime.extensions import extensions
from mtl.specs.inner_steps import InnerRate
from mtl.specs.methods import Method
from mtl.specs.networks import Network
from mtl.specs.reading import spec_of

METHODS = read_yaml(Path(__file__).parents[1] / "config/methods.yaml")
WAY, QUERY, CLASSES = 5, 15, 20


@dataclass(frozen=True)
class Scene:
    """A scale: the network, the number of images of each of 20 classes, and the number of repetitions."""

    name: str
    network: Network
    per_class: int
    repeats: int
    device: Device

    def images(self) -> torch.Tensor:
        """(N, 3, H, W) uint8 noise, channels-last, class by class."""
        size = self.network.image_size
        pixels = np.random.default_rng(0).integers(0, 256, (CLASSES * self.per_class, size, size, 3), dtype=np.uint8)
        return torch.from_numpy(pixels).to(self.device.torch_device).permute(0, 3, 1, 2)

    @property
    def rows_by_class(self) -> list[np.ndarray]:
        """Indices of the images, class by class."""
        return list(np.arange(CLASSES * self.per_class).reshape(CLASSES, -1))

    def tasks(self, count: int, shot: int = 1) -> Tasks:
        """The same tasks at every call."""
        return draw_uniform(self.rows_by_class, TaskShape(WAY, shot, QUERY), count, np.random.default_rng(1))

    def learner(self, name: str, steps: int = 20, rate: float = 0.05, statistics: str | None = None) -> Learner:
        """A method of config/methods.yaml with random weights, and by default the statistics of its batch norm."""
        row = spec_of(Method, METHODS[name])
        statistics = statistics or ("running" if row.pretrained else "episode")
        inner_loop = InnerLoop(InnerRate(learning_rate=rate, reduction="mean"), steps)
        return build_learner(row, self.network, statistics, None, WAY, inner_loop, 0, self.device)

    def backbone(self) -> Backbone:
        """The bare network, all weights trainable."""
        torch.manual_seed(0)
        return new_backbone(self.network).to(self.device.torch_device)


def takes_steps(method: str) -> bool:
    """Whether a method takes gradient steps within a task."""
    steps: bool = extensions("learners")[METHODS[method]["learner"]]["INNER_STEPS"]
    return steps


def scenes(device: Device) -> list[Scene]:
    """Both scales."""
    return [
        Scene("ResNet-12, width 16, 32 px", Network(name="resnet12", width=16, image_size=32), 200, 5, device),
        Scene("ResNet-12, width 64, 84 px", Network(name="resnet12", width=64, image_size=84), 20, 3, device),
    ]
