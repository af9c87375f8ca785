"""Independent random streams, each named after what it is for."""

import json
import zlib

import numpy as np
import torch


def _entropy(seed: int, purpose: str) -> list[int]:
    return [seed, zlib.crc32(purpose.encode())]


def numpy_generator(seed: int, purpose: str) -> np.random.Generator:
    """A NumPy generator that depends on the experiment's seed and on `purpose` alone.

    Methods that use the same purpose see the same stream, so plain and hard meta-training start with the same tasks.

    Examples:
        >>> tasks, again, other = (numpy_generator(0, purpose) for purpose in ("tasks", "tasks", "episodes"))
        >>> drawn, same, different = (generator.integers(1_000_000) for generator in (tasks, again, other))
        >>> bool(drawn == same), bool(drawn == different)
        (True, False)
    """
    return np.random.default_rng(_entropy(seed, purpose))


def torch_generator(seed: int, purpose: str) -> torch.Generator:
    """The same for torch, always on the CPU, so that a GPU run starts from the same numbers."""
    state = np.random.SeedSequence(_entropy(seed, purpose)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def random_state(device: torch.device) -> torch.Tensor:
    """The state of torch's global random stream on a device, from which dropout draws."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def set_random_state(state: torch.Tensor, device: torch.device) -> None:
    """Restores what `random_state` returned."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)


def numpy_state(generator: np.random.Generator) -> str:
    """The state of a NumPy generator, as JSON because its numbers have more than 64 bits."""
    return json.dumps(generator.bit_generator.state)


def set_numpy_state(generator: np.random.Generator, state: str) -> None:
    """Restores what `numpy_state` returned."""
    generator.bit_generator.state = json.loads(state)
