"""Where and how precisely a job computes. All of it comes from the spec, nothing from the scheduler."""

import contextlib
import fcntl
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import torch

from mtl.runtime.errors import UserError
from mtl.spec import Runtime

WAIT = 1.0  # seconds
# An open file keeps its lock.
_held: list[IO[str]] = []
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Device:
    """The device of a job and the type its convolutions compute in (heads, statistics and losses stay in float32)."""

    torch_device: torch.device
    dtype: torch.dtype

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """A context in which convolutions run in bfloat16, where the spec says so."""
        if self.dtype == torch.bfloat16:
            return torch.autocast(self.torch_device.type, torch.bfloat16)
        return contextlib.nullcontext()

    @property
    def name(self) -> str:
        """What the provenance calls this device."""
        return torch.cuda.get_device_name(self.torch_device) if self.torch_device.type == "cuda" else "cpu"


def set_up(runtime: Runtime) -> Device:
    """Sets torch's thread count and picks the device: `auto` takes a GPU when there is one.

    Raises:
        UserError: the config asks for a GPU and there is none.
    """
    torch.set_num_threads(runtime.threads)
    available = torch.cuda.is_available()
    if runtime.device == "cuda" and not available:
        raise UserError("config: runtime.device: 'cuda' asks for a GPU, but torch sees none; write 'auto' or 'cpu'")
    # TF32 would silently replace the float32 that the spec names.
    torch.backends.cudnn.allow_tf32 = False
    if not available or runtime.device == "cpu":
        return Device(torch.device("cpu"), DTYPES[runtime.dtype])
    count = torch.cuda.device_count()
    # Snakemake counts GPUs but hands out none; a scheduler that does leaves one to be seen.
    index = claim_slot(count, Path(tempfile.gettempdir())) if count > 1 else 0
    return Device(torch.device("cuda", index), DTYPES[runtime.dtype])


def claim_slot(count: int, folder: Path) -> int:
    """Takes the first of `count` GPUs that no other job of this machine and user holds; waits while there is none.

    The lock is the kernel's, and ends with the process however it ends.
    """
    while True:
        for index in range(count):
            file = (folder / f"mtl-{os.getuid()}-gpu{index}.lock").open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
            else:
                _held.append(file)
                return index
        time.sleep(WAIT)
