"""The transformer against torch's own encoder, and scale-and-shift of its linear layers."""

import math

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from mtl.networks.batch_norm import BatchNorm
from mtl.networks.scale_shift import scale_and_shift
from mtl.networks.transformer import EncoderBlock, TokenLinear, positions
from mtl.runtime.errors import UserError
from tests.helpers.learners import backbone


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def randomised(module):
    """With no weight at its initial value."""
    for value in module.parameters():
        value.data = value.data + 0.3 * torch.randn_like(value)
    return module.eval()


def torchs_own(block, width):
    """`nn.TransformerEncoderLayer` with the weights of a block."""
    layer = nn.TransformerEncoderLayer(
        width, nhead=4, dim_feedforward=2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).eval()
    attention = layer.self_attn
    theirs = [(attention.in_proj_weight, attention.in_proj_bias), (attention.out_proj.weight, attention.out_proj.bias)]
    theirs += [(linear.weight, linear.bias) for linear in (layer.linear1, layer.linear2)]
    for (weight, bias), ours in zip(theirs, list(block.convs)[-4:], strict=True):
        weight.data, bias.data = ours.weight.data.flatten(1), ours.bias.data
    for norm, ours in zip((layer.norm1, layer.norm2), block.layer_norms, strict=False):
        norm.weight.data, norm.bias.data = ours.gamma.data, ours.beta.data
    return layer


def test_a_block_is_torchs_encoder_layer():
    block = randomised(EncoderBlock(8))
    maps = torch.randn(2, 8, 3, 5)
    theirs = torchs_own(block, 8)(maps.flatten(2).transpose(1, 2))
    assert torch.allclose(block(maps).flatten(2).transpose(1, 2), theirs, atol=1e-5)


def test_the_network_is_what_the_description_says():
    """Two convolutions, normalised before their bias, ReLU, pooling; positions; four encoder layers, norm, mean."""
    network = randomised(backbone("transformer", 8))
    x = images = torch.rand(3, 3, 16, 16)
    first, last = network.blocks[0], network.blocks[3]
    for conv in list(first.convs)[:2]:
        y = nn.functional.conv2d(x, conv.weight, padding=1)
        y = (y - y.mean(dim=(2, 3), keepdim=True)) / (y.var(dim=(2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
        x = nn.functional.max_pool2d((y + conv.bias[:, None, None]).clamp_min(0), 2)
    tokens = (x + positions(x)).flatten(2).transpose(1, 2)
    for block in network.blocks:
        tokens = torchs_own(block, 8)(tokens)
    assert torch.allclose(network(images), last.layer_norms[2](tokens).mean(dim=1), atol=1e-5)
    assert network.run(images, 0, 3).shape == (3, 8, 4, 4)


def test_positions_by_hand():
    """Of eight channels two frequencies, 1 and 1/100: sines and cosines of the row, then of the column."""
    found = positions(torch.zeros(1, 8, 3, 4))
    assert found.shape == (8, 3, 4)
    for row in range(3):
        for column in range(4):
            expected = [f(place / d) for place in (row, column) for f in (math.sin, math.cos) for d in (1, 100)]
            assert found[:, row, column].tolist() == pytest.approx(expected, abs=1e-6)


def test_places_matter():
    network = randomised(backbone("transformer", 8))
    images = torch.rand(3, 3, 16, 16)
    assert not torch.allclose(network(images), network(images.flip(3)), atol=1e-2)


def test_images_do_not_see_each_other_whatever_the_statistics():
    network = randomised(backbone("transformer", 8))
    assert not any(isinstance(module, BatchNorm | nn.BatchNorm2d) for module in network.modules())
    images = torch.rand(4, 3, 16, 16)
    together = network(images)
    network.set_batch_norm("episode")
    assert torch.equal(network(images, sets=[1, 3]), together)
    assert torch.allclose(network(images[1:2]), together[1:2], atol=1e-5)


def test_parameters():
    """Two convolutions, four times 8 C² + 10 C or so, a layer norm."""
    width = 64
    tokeniser = 32 * (3 * 9 + 1) + width * (32 * 9 + 1)
    layers = 8 * width**2 + (3 + 1 + 2 + 1) * width + 2 * 2 * width
    network = backbone("transformer", width)
    assert sum(value.numel() for value in network.parameters()) == tokeniser + 4 * layers + 2 * width


def test_a_width_without_positions_or_heads():
    with pytest.raises(UserError, match=r"width: 6 is not a multiple of 4, .* write 8"):
        backbone("transformer", 6)


def scaled(shift):
    """A block with random Φ1 and Φ2, and its widening layer, from 4 to 8, with the weights that it had."""
    block = randomised(EncoderBlock(4)).double()
    weight, bias = (value.detach().clone() for value in (block.convs[-2].weight, block.convs[-2].bias))
    scale_and_shift([block], "kernel", shift)
    own = [value for name, value in block.named_parameters() if name.endswith((".scale", ".shift"))]
    for value in own:
        value.data = torch.randn(value.shape, dtype=torch.float64)
    return block, weight, bias, own


@pytest.mark.usefixtures("float64")
def test_second_derivatives_of_many_tasks_are_those_of_one_after_another():
    """As MAML takes them; those of torch's own layer norm are not."""
    block, maps = randomised(EncoderBlock(4)), torch.randn(3, 2, 4, 2, 2)
    initial = {name: value.detach() for name, value in block.named_parameters()}

    def slope(parameters, x):
        def output(parameters):
            return torch.func.functional_call(block, parameters, (x,)).sin().sum()

        return sum(value.square().sum() for value in torch.func.grad(output)(parameters).values())

    def total(parameters):
        return torch.func.vmap(slope, in_dims=(None, 0))(parameters, maps).sum()

    together = torch.func.grad(total)(initial)
    slow = dict.fromkeys(initial, 0.0)
    for x in maps:
        leaves = {name: value.clone().requires_grad_() for name, value in initial.items()}
        output = torch.func.functional_call(block, leaves, (x,)).sin().sum()
        first = torch.autograd.grad(output, [*leaves.values()], create_graph=True)
        second = torch.autograd.grad(sum(value.square().sum() for value in first), [*leaves.values()])
        slow = {name: slow[name] + value for name, value in zip(leaves, second, strict=True)}
    for name, value in slow.items():
        assert torch.allclose(together[name], value, rtol=1e-9, atol=1e-9), name


@pytest.mark.parametrize("shift", ["before", "after"])
def test_scale_and_shift_of_a_linear_layer_by_hand(shift):
    """One scalar of Φ1 and one of Φ2 for each output; there is no batch norm for Φ2 to stand before or after."""
    block, weight, bias, own = scaled(shift)
    scale = block.convs[-2].parametrizations.weight[0].scale
    phi2 = block.convs[-2].parametrizations.bias if shift == "before" else block.norms[-2].parametrizations.beta
    assert sum(value.numel() for value in own) == 2 * (12 + 4 + 8 + 4)
    x, slow = torch.randn(3, 4, dtype=torch.float64), torch.zeros(3, 8, dtype=torch.float64)
    for image in range(3):
        for out in range(8):
            products = [weight[out, 0, 0, i] * scale[out, 0, 0, 0] * x[image, i] for i in range(4)]
            slow[image, out] = sum(products) + bias[out] + phi2[0].shift[out]
    assert torch.allclose(block.norms[-2](block.convs[-2](x)), slow)


@pytest.mark.usefixtures("float64")
def test_gradients_of_scale_and_shift_of_a_linear_layer():
    block, weight, *_ = scaled("before")
    layer = block.convs[-2]
    scale, shift = layer.parametrizations.weight[0].scale, layer.parametrizations.bias[0].shift
    x = torch.randn(3, 4, requires_grad=True)
    assert gradcheck(lambda *_: layer(x).sin(), (x, scale, shift))
    layer(x).sum().backward()
    assert torch.allclose(scale.grad.flatten(), (x @ weight.flatten(1).T).sum(dim=0))
    assert shift.grad.tolist() == pytest.approx([3.0] * 8)


def test_filters_and_kernels_of_linear_layers_are_the_same():
    shapes = []
    for scale in ("kernel", "filter"):
        block = EncoderBlock(8)
        scale_and_shift([block], scale)
        shapes.append([value.shape for name, value in block.named_parameters() if name.endswith(".scale")])
    assert shapes[0] == shapes[1] == [(24, 1, 1, 1), (8, 1, 1, 1), (16, 1, 1, 1), (8, 1, 1, 1)]


def test_linear_layers_start_as_convolutions_do():
    """Xavier, uniform: of inputs and outputs, not of the shape that the weight has."""
    weight = TokenLinear(64, 192).weight.detach()
    assert weight.abs().max() <= math.sqrt(6 / 256)
    assert weight.std().item() == pytest.approx(math.sqrt(2 / 256), rel=0.02)
