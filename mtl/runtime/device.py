"""The device, precision and threads of a job. All of them come from the spec, never from the scheduler."""

import contextlib
import ctypes
import fcntl
import functools
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import torch

from mtl.runtime.errors import UserError

WAIT = 1.0  # seconds
# From malloc.h.
M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
# Closing a file would release its lock.
_held: list[IO[str]] = []
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Device:
    """The device of a job and the type its convolutions compute in (heads, statistics and losses stay in float32)."""

    torch_device: torch.device
    dtype: torch.dtype

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """A context in which convolutions run in bfloat16, if the spec says so."""
        if self.dtype == torch.bfloat16:
            return torch.autocast(self.torch_device.type, torch.bfloat16)
        return contextlib.nullcontext()

    @property
    def name(self) -> str:
        """The device's name in the provenance."""
        return torch.cuda.get_device_name(self.torch_device) if self.torch_device.type == "cuda" else "cpu"


def set_up(device: str, dtype: str, threads: int) -> Device:
    """Sets torch's thread count and picks the device.

    Args:
        device: `cpu`, `cuda`, or `auto`, which uses a GPU if there is one.
        dtype: type of the convolutions, `float32` or `bfloat16`.
        threads: number of torch threads.

    Raises:
        UserError: the config asks for a GPU, but there is none.
    """
    torch.set_num_threads(threads)
    _keep_memory()
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UserError("config: runtime.device: 'cuda' asks for a GPU, but torch sees none; write 'auto' or 'cpu'")
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


@functools.cache
def _own_gpu() -> int:
    """The GPU of this process."""
    # Snakemake counts GPUs but assigns none; a scheduler that assigns them leaves only one visible.
    if (count := torch.cuda.device_count()) == 1:
        return 0
    names = [str(torch.cuda.get_device_properties(index).uuid) for index in range(count)]
    return claim_slot(names, Path(tempfile.gettempdir()))


def claim_slot(names: Sequence[str], folder: Path) -> int:
    """Takes the first GPU that no other job of this user on this machine holds; prints a note if it has to wait.

    The kernel releases the lock when the process ends, however it ends.

    Args:
        names: a name for each GPU that does not depend on its index.
        folder: where the lock files are.
    """
    told = False
    while True:
        for index, name in enumerate(names):
            # Anyone can write to the folder, so following a link could open someone else's file.
            where = folder / f"mtl-{os.getuid()}-{name}.lock"
            file = os.fdopen(os.open(where, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
            else:
                _held.append(file)
                return index
        if not told:
            sys.stderr.write(f"note: other jobs hold all {len(names)} GPUs; waiting for one\n")
            told = True
        time.sleep(WAIT)
