"""How a result was made: spec, code, versions, device and the checksums of its inputs."""

import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from mtl.runtime.device import Device
from mtl.runtime.files import sha256
from mtl.runtime.fingerprint import fingerprint

PACKAGES = ("torch", "torchvision", "numpy", "safetensors")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, nothing from outside
            ["git", *arguments],  # noqa: S607
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def provenance(spec: Mapping[str, Any], inputs: Mapping[str, Path], device: Device, *entries: str) -> dict[str, Any]:
    """The record stored beside a number.

    It is made before computing, so that edits made during the run are not attributed to it. It holds no time, so that
    a rerun gives the same bytes.

    Args:
        spec: the settings of the stage.
        inputs: the files it reads, by role; their paths and SHA-256 are stored.
        device: where it computes.
        entries: the entry points of its code, as `fingerprint` takes them.
    """
    status = _git("status", "--porcelain", "--untracked-files=no")
    return {
        "spec": dict(spec),
        "inputs": {role: {"path": str(path), "sha256": sha256(path)} for role, path in inputs.items()},
        "code": fingerprint(*entries),
        "entries": entries,
        "git": {"commit": _git("rev-parse", "HEAD"), "dirty": None if status is None else bool(status)},
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _packages(device)},
        "device": device.name,
        "dtype": str(device.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
    }


def _packages(device: Device) -> tuple[str, ...]:
    """What computes numbers; Triton does so only on a GPU, and torch for CPUs comes without it."""
    return (*PACKAGES, "triton") if device.torch_device.type == "cuda" and find_spec("triton") else PACKAGES


def outputs(*paths: Path) -> dict[str, str]:
    """SHA-256 of the files a stage wrote beside its record, by name."""
    return {path.name: sha256(path) for path in paths}
