"""Creates and loads Θ, and stores tensors in files."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save

from mtl.networks.backbone import Backbone
from mtl.runtime.errors import UserError
from mtl.runtime.extensions import load
from mtl.runtime.files import atomic
from mtl.runtime.seeds import torch_generator
from mtl.specs.networks import Network


def features_of(backbone: Backbone, image_size: int) -> int:
    """The number of features a backbone computes from images of `image_size` pixels."""
    with torch.no_grad():
        return int(backbone.eval()(torch.zeros(1, 3, image_size, image_size)).shape[1])


def new_backbone(network: Network, dropout: float = 0.0) -> Backbone:
    """A backbone with the weights that its layers initialise themselves with."""
    backbone: Backbone = load("networks", network.name).build(network.width, dropout)
    return backbone


def random_backbone(network: Network, seed: int, dropout: float = 0.0) -> Backbone:
    """Θ before any training; layers initialise themselves from torch's global stream, which is seeded here."""
    torch.manual_seed(torch_generator(seed, "pretrain").initial_seed())
    return new_backbone(network, dropout)


def load_backbone(network: Network, path: Path) -> Backbone:
    """Reads a pre-trained Θ.

    Raises:
        UserError: the file is not a Θ, or belongs to another network.
    """
    backbone = new_backbone(network)
    load_tensors(backbone, read_tensors(path), backbone.state_dict(), path)
    return backbone


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Reads a safetensors file.

    Raises:
        UserError: the file has another format.
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


def load_tensors(
    module: torch.nn.Module, tensors: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], path: Path
) -> None:
    """Loads tensors into a module if they have the expected names and shapes; `path` is the file they came from.

    Raises:
        UserError: the names or shapes differ.
    """
    if {name: value.shape for name, value in tensors.items()} != {name: v.shape for name, v in expected.items()}:
        raise UserError(f"{path}: holds other tensors than this network and method have; delete it and run again")
    module.load_state_dict(tensors, strict=False)
