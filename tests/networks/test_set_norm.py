"""The kernels for GPUs beside torch's own operations; without a GPU, in Triton's interpreter."""

import os
import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

pytest.importorskip("triton")
CUDA = torch.cuda.is_available()
SHAPES = [
    ((7, 3, 40, 30), (2, 5), 0.1),  # two parts an image, odd channels
    ((6, 20, 5, 5), (1, 2, 3), 1.0),
    ((4, 70, 3, 3), (4,), 0.0),  # two blocks of channels
    ((260, 2, 2, 2), (130, 130), 0.1),  # more parts than are added up at a time
]


def check(shape, sets, slope, dtype, tolerance):
    from mtl.networks.set_norm import set_norm

    device = "cuda" if CUDA else "cpu"
    generator = torch.Generator().manual_seed(0)
    # A mean much larger than the deviation, which a sum of squares would not survive.
    maps = (torch.randn(shape, generator=generator) + 30).to(device, dtype)
    gradient = torch.randn(shape, generator=generator).to(device, dtype)
    ours = maps.clone(memory_format=torch.channels_last).requires_grad_()
    theirs = maps.double().requires_grad_()
    out = set_norm(ours, sets, slope, 1e-3)
    out.backward(gradient)
    parts = theirs.split(sets)
    expected = torch.cat([F.batch_norm(part, None, None, training=True, eps=1e-3) for part in parts])
    expected = F.leaky_relu(expected, slope)
    expected.backward(gradient.double())
    assert out.dtype == dtype
    assert (out - expected).abs().max() < tolerance
    assert (ours.grad - theirs.grad).abs().max() < tolerance


if __name__ == "__main__":
    for shape, sets, slope in SHAPES:
        check(shape, sets, slope, torch.float32, 2e-5)
        check(shape, sets, slope, torch.bfloat16, 6e-2)


@pytest.mark.skipif(CUDA, reason="there is a GPU")
def test_the_interpreter_gives_what_torch_gives():
    # Triton decides when it is imported.
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.networks.test_set_norm"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.gpu
@pytest.mark.skipif(not CUDA, reason="needs a GPU")
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.bfloat16, 6e-2)])
@pytest.mark.parametrize(("shape", "sets", "slope"), SHAPES)
def test_a_gpu_gives_what_torch_gives(shape, sets, slope, dtype, tolerance):
    check(shape, sets, slope, dtype, tolerance)


def test_where_triton_does_not_work_a_note_says_so(capsys):
    from mtl.networks.set_norm import usable

    assert not usable(torch.device("cpu"))
    assert "note: Triton does not work here (" in capsys.readouterr().err


@pytest.mark.parametrize("card", [80, 90])
@pytest.mark.parametrize("per_image", [1, 7])
def test_the_kernels_compile_for_cards_that_are_not_here(card, per_image):
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from mtl.networks import set_norm

    types = {"y": "*bf16", "gradient": "*bf16", "out": "*bf16", "set_of": "*i32", "first": "*i32"}
    types |= dict.fromkeys(["positions", "channels", "per_image"], "i32")
    constants = {"ROWS": 64, "PART": 1024, "BLOCK": 16, "PARTS": 128, "SLOPE": 0.1, "EPSILON": 1e-3}
    if per_image == 1:  # Triton takes this as a constant
        constants["per_image"] = 1
    names = ["part_moments", "merge_moments", "normalise", "part_products", "merge_means", "gradient"]
    kernels = [getattr(set_norm, f"_{name}") for name in names]
    for kernel in kernels:
        own = {name: constants[name] for name in kernel.arg_names if name in constants}
        signature = {name: "constexpr" if name in own else types.get(name, "*fp32") for name in kernel.arg_names}
        source = ASTSource(fn=kernel, signature=signature, constexprs=own)
        assert "cubin" in triton.compile(source, target=GPUTarget("cuda", card, 32)).asm
