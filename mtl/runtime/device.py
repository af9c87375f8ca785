"""The device, precision and threads of a job. All of them come from the spec, never from the scheduler."""

import contextlib
import ctypes
import functools
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from mtl.runtime.errors import UserError
from mtl.runtime.gpus import claim_gpu

# From malloc.h.
M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Device:
    """The device of a job and the type its convolutions compute in (heads, statistics and losses stay in float32)."""

    torch_device: torch.device
    dtype: torch.dtype

    @contextlib.contextmanager
    def autocast(self) -> Iterator[None]:
        """A context in which convolutions run in bfloat16, if the spec says so."""
        with contextlib.ExitStack() as contexts:
            if self.dtype == torch.bfloat16:
                # On the CPU, too: there `bytes_of` counts what this would need on a GPU.
                for kind in {"cpu", self.torch_device.type}:
                    contexts.enter_context(torch.autocast(kind, torch.bfloat16))
            yield

    @property
    def name(self) -> str:
        """The device's name in the provenance."""
        return torch.cuda.get_device_name(self.torch_device) if self.torch_device.type == "cuda" else "cpu"


def set_up(device: str, dtype: str, threads: int) -> Device:
    """Sets torch's thread count and picks the device.

    Args:
        device: `cpu`, `cuda`, or `auto`, which uses a GPU if the job has one.
        dtype: type of the convolutions, `float32` or `bfloat16`.
        threads: number of torch threads.

    Raises:
        UserError: the config asks for a GPU, but there is none.
    """
    torch.set_num_threads(threads)
    _keep_memory()
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UserError(
            "config: runtime.device: 'cuda' asks for a GPU, but torch sees none; write 'auto' or 'cpu', or let the "
            "jobs request one (jobs.*.gpus)"
        )
    # TF32 would silently replace the float32 that the spec asks for.
    torch.backends.cudnn.allow_tf32 = False
    if not available or device == "cpu":
        return Device(torch.device("cpu"), DTYPES[dtype])
    torch.cuda.set_device(index := _own_gpu())
    return Device(torch.device("cuda", index), DTYPES[dtype])


def _keep_memory() -> None:
    """Makes the C library keep the memory of freed tensors.

    Otherwise it returns large blocks to the kernel, which clears them for the next tensor: a sixth to a quarter of
    training time on a CPU.
    """
    if hasattr(library := ctypes.CDLL(None), "mallopt"):  # glibc
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the CPU on a device; the CPU does not wait until it is there."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


@functools.cache
def _own_gpu() -> int:
    """The GPU of this process, one that no other job holds."""
    count = torch.cuda.device_count()
    return claim_gpu([str(torch.cuda.get_device_properties(index).uuid) for index in range(count)])
