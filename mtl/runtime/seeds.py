"""Independent random streams, each named after what it is for."""

import zlib

import numpy as np
import torch


def _entropy(seed: int, purpose: str) -> list[int]:
    return [seed, zlib.crc32(purpose.encode())]


def numpy_generator(seed: int, purpose: str) -> np.random.Generator:
    """A NumPy generator that depends on the experiment's seed and on `purpose` alone.

    Methods that use the same purpose see the same stream, so plain and hard meta-training start with the same tasks.
    """
    return np.random.default_rng(_entropy(seed, purpose))


def torch_generator(seed: int, purpose: str) -> torch.Generator:
    """The same for torch, always on the CPU, so that a GPU run starts from the same numbers."""
    state = np.random.SeedSequence(_entropy(seed, purpose)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
