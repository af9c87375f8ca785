"""What other arithmetic costs: bfloat16, memory layout, compilation."""

import dataclasses
import sys
from collections.abc import Iterator

import torch

from benchmarks.scenes import Scene
from benchmarks.stages import forward_and_backward
from benchmarks.timing import Ratio, compare
from mtl.runtime.device import Device

IMAGES = 64


def arithmetic(scene: Scene) -> Iterator[Ratio]:
    """Forward and backward passes of the same images in two ways each."""
    images, backbone = scene.images()[:IMAGES], scene.backbone()
    half = dataclasses.replace(scene, device=Device(scene.device.torch_device, torch.bfloat16))
    contiguous = scene.backbone().to(memory_format=torch.contiguous_format)
    plain = images.contiguous()
    subject = f"forward and backward, {IMAGES} images"

    def float32() -> None:
        forward_and_backward(scene, backbone, images)

    yield compare(
        f"{subject}, bfloat16", scene.name, lambda: forward_and_backward(half, backbone, images), "float32", float32,
        scene.repeats,
    )  # fmt: skip
    yield compare(
        f"{subject}, channels-last", scene.name, float32, "contiguous",
        lambda: forward_and_backward(scene, contiguous, plain), scene.repeats,
    )  # fmt: skip
    compiled = torch.compile(scene.backbone())
    try:
        forward_and_backward(scene, compiled, images)
    except Exception as error:  # without a C++ compiler, for example
        sys.stderr.write(f"note: nothing was compiled: {str(error).splitlines()[0]}\n")
        return
    yield compare(
        f"{subject}, compiled", scene.name, lambda: forward_and_backward(scene, compiled, images), "eager", float32,
        scene.repeats,
    )  # fmt: skip
