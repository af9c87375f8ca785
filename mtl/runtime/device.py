"""Where and how precisely a job computes. All of it comes from the spec, nothing from the scheduler."""

import contextlib
from dataclasses import dataclass

import torch

from mtl.runtime.errors import UserError
from mtl.spec import Runtime

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
    use_gpu = available and runtime.device != "cpu"
    # TF32 would silently replace the float32 that the spec names.
    torch.backends.cudnn.allow_tf32 = False
    return Device(torch.device("cuda" if use_gpu else "cpu"), DTYPES[runtime.dtype])
