"""Builds a learner from a row of `config/methods.yaml`, and loads what it has learned."""

from dataclasses import dataclass
from pathlib import Path

import torch

from mtl.learners.base_learner import mean_rate
from mtl.learners.learner import Head, Learner, LearnerSetup
from mtl.networks.weights import features_of, load_backbone, load_tensors, random_backbone, read_tensors
from mtl.runtime.device import Device
from mtl.runtime.extensions import load
from mtl.runtime.seeds import torch_generator
from mtl.specs.inner_steps import InnerRate
from mtl.specs.methods import Method
from mtl.specs.networks import Network


@dataclass(frozen=True)
class InnerLoop:
    """Gradient descent within a task: step size, number of steps, and whether mirror images double support sets.

    With `first_order` the meta-gradient takes the gradients within a task as constants.
    """

    rate: InnerRate
    steps: int
    mirrored: bool = False
    first_order: bool = False


def build_learner(
    method: Method,
    network: Network,
    batch_norm: str,
    pretrained: Path | None,
    way: int,
    inner_loop: InnerLoop | None,
    seed: int,
    device: Device,
    theta_start: str = "random",
) -> Learner:
    """Builds a learner with the θ of its method on a pre-trained backbone, or on a random one without `pretrained`.

    A random θ is the same for every method of the same way and seed. So if `theta_start`, the θ that meta-learning
    starts from, is random, iteration 0 of `ft-head` is `update-head`; if it is zero, iteration 0 is `linear`.
    """
    backbone = random_backbone(network, seed) if pretrained is None else load_backbone(network, pretrained)
    dimensions = features_of(backbone, network.image_size)
    head = Head(torch.zeros(way, dimensions), torch.zeros(way))
    if method.theta_init == "random" or (method.theta_init, theta_start) == ("meta-learned", "random"):
        torch.nn.init.xavier_uniform_(head.weight, generator=torch_generator(seed, f"theta {way}"))
    rate = 0.0 if inner_loop is None else mean_rate(inner_loop.rate, way, inner_loop.mirrored)
    steps = 0 if inner_loop is None else inner_loop.steps
    first_order = inner_loop is not None and inner_loop.first_order
    setup = LearnerSetup(method, backbone, head, device, batch_norm, rate, steps, first_order, seed)
    learner: Learner = load("learners", method.learner).build(setup)
    return learner.to(device.torch_device)


def load_learned(learner: Learner, path: Path) -> None:
    """Loads what meta-training stored into a learner of the same method.

    Raises:
        UserError: the file holds something else.
    """
    load_learned_state(learner, read_tensors(path), path)


def load_learned_state(learner: Learner, tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Loads what a learner of the same method had learned; `path` is the file it came from.

    Raises:
        UserError: the tensors are not those of this method.
    """
    load_tensors(learner, tensors, {name: value.data for name, value in learner.learned().items()}, path)
