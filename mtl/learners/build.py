"""From a row of `config/methods.yaml` to a learner, and what it has learned to and from a file."""

import importlib
from pathlib import Path

import torch

from mtl.learners.learner import Head, Learner, Parts
from mtl.networks.weights import features_of, load_backbone, put_tensors, random_backbone, read_tensors
from mtl.runtime.device import Device
from mtl.runtime.seeds import torch_generator
from mtl.spec import BaseLearner, Method, Network


def build_learner(
    method: Method,
    network: Network,
    batch_norm: str,
    pretrained: Path | None,
    way: int,
    base_learner: BaseLearner,
    seed: int,
    device: Device,
    theta_start: str = "random",
) -> Learner:
    """Builds a learner on a backbone that is pre-trained, or random without `pretrained`, with the θ of its method.

    A random θ is the same for every method, way and seed being equal: `update-head` is iteration 0 of `ft-head` where
    `theta_start`, the θ that meta-learning starts from, is random, and `linear` is where it is zero.
    """
    backbone = random_backbone(network, seed) if pretrained is None else load_backbone(network, pretrained)
    dimensions = features_of(backbone, network.image_size)
    head = Head(torch.zeros(way, dimensions), torch.zeros(way))
    if method.theta_init == "random" or (method.theta_init, theta_start) == ("meta-learned", "random"):
        torch.nn.init.xavier_uniform_(head.weight, generator=torch_generator(seed, f"theta {way}"))
    # By name, so that the code of a method is that of its own learner and a new one touches no other's.
    family = importlib.import_module(f"mtl.learners.{method.learner}")
    learner: Learner = family.build(Parts(method, backbone, head, device, batch_norm, base_learner))
    return learner.to(device.torch_device)


def load_learned(learner: Learner, path: Path) -> None:
    """Reads what meta-training stored into a learner of the same method.

    Raises:
        UserError: the file is not that.
    """
    put_learned(learner, read_tensors(path), path)


def put_learned(learner: Learner, tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Gives a learner what one of the same method had learned; `path` is where it was read.

    Raises:
        UserError: it is something else.
    """
    put_tensors(learner, tensors, {name: value.data for name, value in learner.learned().items()}, path)
