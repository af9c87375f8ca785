"""The cost of other arithmetic: bfloat16, memory layout, compilation."""

import dataclasses
import sys
from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.scenes import Scene
from benchmarks.stages import forward_and_backward
from benchmarks.timing import Comparison
from mtl.runtime.device import Device

IMAGES = 64


def arithmetic(scene: Scene) -> Iterator[Comparison]:
    """Forward and backward passes of the same images, in two ways each."""
    images, backbone = scene.images()[:IMAGES], scene.backbone()
    half = dataclasses.replace(scene, device=Device(scene.device.torch_device, torch.bfloat16))
    contiguous = scene.backbone().to(memory_format=torch.contiguous_format)
    plain = images.contiguous()
    subject = f"forward and backward, {IMAGES} images"

    def float32() -> None:
        forward_and_backward(scene, backbone, images)

    yield Comparison(
        f"{subject}, bfloat16", scene.name, lambda: forward_and_backward(half, backbone, images), "float32", float32,
        scene.repeats,
    )  # fmt: skip
    yield Comparison(
        f"{subject}, channels-last", scene.name, float32, "contiguous",
        lambda: forward_and_backward(scene, contiguous, plain), scene.repeats,
    )  # fmt: skip
    compiled: nn.Module = torch.compile(scene.backbone())  # type: ignore[assignment]
    try:
        forward_and_backward(scene, compiled, images)
    except Exception as error:  # without a C++ compiler, for example
        sys.stderr.write(f"note: nothing was compiled: {str(error).splitlines()[0]}\n")
        return
    yield Comparison(
        f"{subject}, compiled", scene.name, lambda: forward_and_backward(scene, compiled, images), "eager", float32,
        scene.repeats,
    )  # fmt: skip
