"""From a row of `config/methods.yaml` to a learner, and what it has learned to and from a file."""

import importlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save

from mtl.learners.base_learner import Head
from mtl.learners.learner import Learner, Parts
from mtl.networks import BACKBONES, Backbone
from mtl.runtime.device import Device
from mtl.runtime.errors import UserError
from mtl.runtime.files import atomic
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
    family = importlib.import_module(f"mtl.learners.{method.learner.replace('-', '_')}")
    learner: Learner = family.build(Parts(method, backbone, head, device, batch_norm, base_learner))
    return learner.to(device.torch_device)


def features_of(backbone: Backbone, image_size: int) -> int:
    """The number of features a backbone gives for images of `image_size` pixels."""
    with torch.no_grad():
        return int(backbone.eval()(torch.zeros(1, 3, image_size, image_size)).shape[1])


def random_backbone(network: Network, seed: int, dropout: float = 0.0) -> Backbone:
    """Θ before any training; layers initialise themselves from torch's global stream, which is seeded here."""
    torch.manual_seed(torch_generator(seed, "pretrain").initial_seed())
    return BACKBONES[network.name](network.width, dropout)


def load_backbone(network: Network, path: Path) -> Backbone:
    """Reads a pre-trained Θ.

    Raises:
        UserError: the file is not one, or belongs to another network.
    """
    backbone = BACKBONES[network.name](network.width)
    _put(backbone, read_tensors(path), backbone.state_dict(), path)
    return backbone


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
    _put(learner, tensors, {name: value.data for name, value in learner.learned().items()}, path)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Reads a safetensors file.

    Raises:
        UserError: it is not one.
    """
    try:
        return load_file(path)
    except Exception as error:  # whatever a damaged file makes safetensors and torch raise
        raise UserError(f"{path}: not a safetensors file ({error}); delete it and run again") from None


def save_tensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Writes tensors as safetensors, atomically; the same values give the same bytes."""
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic(path) as temporary:
        temporary.write_bytes(save(plain))


def _put(
    module: torch.nn.Module, tensors: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], path: Path
) -> None:
    if {name: value.shape for name, value in tensors.items()} != {name: v.shape for name, v in expected.items()}:
        raise UserError(f"{path}: holds other tensors than this network and method have; delete it and run again")
    module.load_state_dict(tensors, strict=False)
