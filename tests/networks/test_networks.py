import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mtl.networks.batch_norm import BatchNorm
from mtl.networks.scale_shift import scale_and_shift
from tests.helpers.learners import backbone


def learned(network):
    """Φ1 and Φ2, convolution by convolution."""
    return [value for name, value in network.named_parameters() if name.endswith((".scale", ".shift"))]


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_resnet12_has_the_parameters_of_the_authors_code():
    network = backbone("resnet12", 64)
    kernels = sum(p.numel() for p in network.parameters() if p.dim() == 4 and p.shape[-1] == 3)
    shortcuts = sum(p.numel() for p in network.parameters() if p.dim() == 4 and p.shape[-1] == 1)
    biases = sum(p.numel() for p in network.parameters() if p.dim() == 1)
    assert (kernels, shortcuts, biases) == (7_816_896, 172_224, 2_880)


def test_scale_and_shift_has_the_parameters_of_the_authors_code():
    network = backbone("resnet12", 64)
    scale_and_shift(network.blocks)
    assert sum(p.numel() for p in learned(network) if p.dim() == 4) == 868_544
    assert sum(p.numel() for p in learned(network) if p.dim() == 1) == 2_880


@pytest.mark.parametrize(
    ("name", "width", "size", "features"),
    [
        ("resnet12", 64, 84, 512),
        ("resnet12", 8, 32, 64),
        ("conv4", 32, 84, 800),
        ("conv4", 8, 32, 32),
        ("transformer", 64, 84, 64),
        ("transformer", 8, 32, 8),
    ],
)
def test_number_of_features(name, width, size, features):
    network = backbone(name, width).eval()
    assert network(torch.rand(2, 3, size, size)).shape == (2, features)


def test_conv4_has_the_parameters_of_maml():
    assert parameters(backbone("conv4", 32)) == 3 * 32 * 9 + 3 * 32 * 32 * 9 + 4 * (32 + 2 * 32)


def test_resnet12_is_what_the_description_says():
    """Three convolutions with batch norm and leaky ReLU, a bare shortcut, no activation after the sum, max-pooling."""
    torch.manual_seed(0)
    network = backbone("resnet12", 3).eval()
    for module in network.modules():
        if isinstance(module, BatchNorm):
            module.mean.normal_()
            module.variance.uniform_(0.5, 2)
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            module.bias.data.normal_()
    images = torch.rand(2, 3, 16, 16)
    x = images
    for block in network.blocks:
        main = x
        for conv, norm in zip(block.convs, block.norms, strict=True):
            main = F.conv2d(main, conv.weight, conv.bias, padding=1)
            main = (main - norm.mean.view(-1, 1, 1)) / (norm.variance.view(-1, 1, 1) + 1e-3).sqrt()
            main = torch.where(main > 0, main, 0.1 * main)
        total = main + F.conv2d(x, block.shortcut.weight)
        x = F.max_pool2d(total, 2)
    assert torch.allclose(network(images), x.mean(dim=(2, 3)), atol=1e-5)


def test_batch_norm_uses_batch_statistics_in_training_and_running_ones_afterwards():
    conv, norm, x = nn.Conv2d(3, 3, 3), BatchNorm(3), torch.randn(8, 3, 6, 6) * 2 + 1
    out = norm.train()(conv, x)
    assert torch.allclose(out.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(norm.mean, 0.1 * conv(x).mean(dim=(0, 2, 3)), atol=1e-5)
    before = norm.mean.clone()
    one = norm.eval()(conv, x[:1])
    assert torch.equal(norm.mean, before)
    assert torch.allclose(one, norm(conv, x)[:1], atol=1e-6)


@pytest.mark.parametrize("affine", [False, True])
def test_running_statistics_as_part_of_the_convolution_equal_those_after_it(affine):
    torch.manual_seed(0)
    conv, norm, x = nn.Conv2d(3, 4, 3).double(), BatchNorm(4, affine).double().eval(), torch.randn(2, 3, 6, 6).double()
    for value in (norm.mean, *norm.parameters()):
        value.data.normal_()
    norm.variance.uniform_(0.5, 2)
    plain = F.batch_norm(conv(x), norm.mean, norm.variance, norm.gamma, norm.beta, eps=1e-3)
    assert (norm(conv, x) - plain).abs().max() < 1e-12


def convolved(affine, dtype=torch.float64):
    """A convolution, its batch norm under statistics of each set, and images of sets that differ in brightness."""
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(2, 3, 3).to(dtype), BatchNorm(3, affine).double().eval()
    norm.statistics = "episode"
    for value in norm.parameters():
        value.data.normal_()
    brightness = torch.tensor([0.0, 0, 0, 5, 5, -9, -9, -9, -9]).to(dtype)[:, None, None, None]
    return conv, norm, torch.randn(9, 2, 5, 5).to(dtype) + brightness


@pytest.mark.parametrize("affine", [False, True])
def test_each_set_has_its_own_statistics(affine):
    conv, norm, x = convolved(affine)
    out = norm(conv, x, [3, 2, 4])
    for one, images in zip(out.split([3, 2, 4]), x.split([3, 2, 4]), strict=True):
        y = conv(images)
        slow = (y - y.mean(dim=(0, 2, 3), keepdim=True)) / (y.var((0, 2, 3), correction=0, keepdim=True) + 1e-3).sqrt()
        if affine:
            slow = slow * norm.gamma[:, None, None] + norm.beta[:, None, None]
        assert (one - slow).abs().max() < 1e-12
        assert (norm(conv, images) - slow).abs().max() < 1e-12


@pytest.mark.parametrize("affine", [False, True])
def test_sets_have_the_derivatives_of_one_after_another(affine):
    conv, norm, x = convolved(affine)
    direction = torch.randn(9, 3, 3, 3, dtype=torch.float64)
    found = []
    for run in (lambda x: norm(conv, x, [3, 2, 4]), lambda x: torch.cat([norm(conv, s) for s in x.split([3, 2, 4])])):
        inputs = x.clone().requires_grad_()
        leaves = [inputs, conv.weight, *norm.parameters()]
        first = torch.autograd.grad((run(inputs).sin() * direction).sum(), leaves, create_graph=True)
        second = torch.autograd.grad(sum((gradient**2).sum() for gradient in first), leaves)
        found.append([*first, *second])
    assert all((ours - theirs).abs().max() < 1e-9 for ours, theirs in zip(*found, strict=True))


def test_statistics_of_bfloat16_maps_are_wide():
    conv, norm, x = convolved(affine=False, dtype=torch.bfloat16)
    y = conv(x).double()
    mean, variance = y[:3].mean(dim=(0, 2, 3), keepdim=True), y[:3].var((0, 2, 3), correction=0, keepdim=True)
    exact = (y[:3] - mean) / (variance + 1e-3).sqrt()
    ours = norm.float()(conv, x, [3, 2, 4])[:3]
    assert ours.dtype == torch.bfloat16
    assert (ours - exact).abs().max() <= 2**-8 * exact.abs().max()


def test_sets_must_add_up_to_the_batch():
    conv, norm, x = convolved(affine=False)
    with pytest.raises(RuntimeError, match="split"):
        norm(conv, x, [3, 2])


def test_running_statistics_know_no_sets():
    conv, norm, x = convolved(affine=True)
    norm.statistics = "running"
    assert torch.equal(norm(conv, x, [3, 2, 4]), norm(conv, x))


@pytest.mark.parametrize("name", ["resnet12", "transformer"])
def test_blocks_run_in_parts_give_the_whole(name):
    network = backbone(name, 4).eval()
    images = torch.rand(3, 3, 16, 16)
    in_parts = network.run(network.run(images, 0, 3), 3, 4)
    assert torch.equal(in_parts, network(images))


@pytest.mark.parametrize("name", ["resnet12", "conv4", "transformer"])
def test_scale_and_shift_is_the_identity_at_the_start(name):
    network = backbone(name, 4).eval()
    images = torch.rand(3, 3, 16, 16)
    before = network(images)
    scale_and_shift(network.blocks)
    assert torch.equal(network(images), before)


def test_scale_and_shift_is_the_equation():
    torch.manual_seed(0)
    network = backbone("conv4", 4)
    conv = network.blocks[1].convs[0]
    conv.bias.data.normal_()
    weight, bias = conv.weight.detach().clone(), conv.bias.detach().clone()
    scale_and_shift(network.blocks)
    assert sorted(tuple(p.shape) for p in learned(network)) == [(4,)] * 4 + [(4, 3, 1, 1)] + [(4, 4, 1, 1)] * 3
    for parameter in learned(network):
        parameter.data.normal_()
    scale, shift = conv.parametrizations.weight[0].scale.data, conv.parametrizations.bias[0].shift.data
    x = torch.randn(2, 4, 5, 5)
    slow = torch.zeros(2, 4, 5, 5)
    for out in range(4):
        for into in range(4):
            kernel = weight[out, into] * scale[out, into]
            slow[:, out] += F.conv2d(x[:, into : into + 1], kernel.view(1, 1, 3, 3), padding=1)[:, 0]
        slow[:, out] += bias[out] + shift[out]
    assert torch.allclose(conv(x), slow, atol=1e-5)


def changed(name, scale, shift, statistics):
    """A network with random Φ1, Φ2 and offsets, and what equation 6 has to start from: W, b and β of one block."""
    torch.manual_seed(0)
    network = backbone(name, 4).eval()
    block = network.blocks[1]
    conv, norm = block.convs[0], block.norms[0]
    conv.bias.data.normal_()
    norm.mean.normal_()
    norm.variance.uniform_(0.5, 2)
    if norm.beta is not None:
        norm.beta.data.normal_()
    start = [None if value is None else value.detach().clone() for value in (conv.weight, conv.bias, norm.beta)]
    network.set_batch_norm(statistics)
    scale_and_shift(network.blocks, scale, shift)
    for parameter in learned(network):
        parameter.data.normal_()
    return network, block, start


@pytest.mark.parametrize("statistics", ["running", "episode"])
@pytest.mark.parametrize("shift", ["before", "after"])
@pytest.mark.parametrize("scale", ["kernel", "filter"])
@pytest.mark.parametrize("name", ["conv4", "resnet12"])
def test_scale_and_shift_by_filter_and_after_batch_norm_by_hand(name, scale, shift, statistics):
    """Two sets of two images: (W * Φ1) X + b, then batch norm, with Φ2 on b before it or on β after it."""
    network, block, (weight, bias, beta) = changed(name, scale, shift, statistics)
    conv, norm = block.convs[0], block.norms[0]
    phi1 = conv.parametrizations.weight[0].scale.data
    assert phi1.shape == ((4 if name == "conv4" else 8), weight.shape[1] if scale == "kernel" else 1, 1, 1)
    phi2 = (conv.parametrizations.bias if shift == "before" else norm.parametrizations.beta)[0].shift.data
    x = torch.randn(4, 4, 5, 5)
    slow = torch.zeros(4, len(bias), 5, 5)
    for out in range(len(bias)):
        for into in range(4):
            kernel = weight[out, into] * phi1[out, into if scale == "kernel" else 0]
            slow[:, out] += F.conv2d(x[:, into : into + 1], kernel.view(1, 1, 3, 3), padding=1)[:, 0]
        slow[:, out] += bias[out] + (phi2[out] if shift == "before" else 0)
        for part in (slow[:2, out], slow[2:, out]):
            mean = norm.mean[out] if statistics == "running" else part.mean()
            variance = norm.variance[out] if statistics == "running" else part.var(correction=0)
            part -= mean
            part /= (variance + 1e-3).sqrt()
        slow[:, out] += (0 if beta is None else beta[out]) + (phi2[out] if shift == "after" else 0)
    assert torch.allclose(norm(conv, x, [2, 2]), slow, atol=1e-4)
    assert len(learned(network)) == 2 * sum(len(one.convs) for one in network.blocks)


@pytest.mark.parametrize(("shift", "matters"), [("before", False), ("after", True)])
def test_a_shift_after_batch_norm_counts_under_episode_statistics(shift, matters):
    network, _, _ = changed("resnet12", "kernel", shift, "episode")
    images = torch.rand(3, 3, 16, 16)
    before = network(images)
    for name, value in network.named_parameters():
        if name.endswith(".shift"):
            value.data += 0.5
    assert torch.allclose(network(images), before, atol=1e-4) is not matters


def test_a_scale_of_a_filter_cancels_under_episode_statistics():
    """But for the ε of batch norm, and its sign."""
    _, block, _ = changed("resnet12", "filter", "before", "episode")
    conv, norm, x = block.convs[0], block.norms[0], 100 * torch.randn(4, 4, 5, 5)
    scale = conv.parametrizations.weight[0].scale
    scale.data.uniform_(0.5, 2)
    before = norm(conv, x)
    scale.data *= 2
    assert torch.allclose(norm(conv, x), before, atol=1e-3)


@pytest.mark.parametrize("name", ["resnet12", "conv4", "transformer"])
def test_every_scale_and_shift_is_the_identity_at_the_start(name):
    for scale, shift in (("filter", "before"), ("kernel", "after"), ("filter", "after")):
        network = backbone(name, 4).eval()
        images = torch.rand(3, 3, 16, 16)
        before = network(images)
        scale_and_shift(network.blocks, scale, shift)
        assert torch.equal(network(images), before)


def test_shortcuts_are_neither_scaled_nor_shifted():
    network = backbone("resnet12", 2)
    scale_and_shift(network.blocks)
    assert len(learned(network)) == 24
    assert not any("shortcut" in name for name, value in network.named_parameters() if value in set(learned(network)))
