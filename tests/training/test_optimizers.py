"""The optimisers of pre-training, against torch and against numbers by hand."""

import copy
import dataclasses

import pytest
import torch

from mtl.training.optimizers import adam_halving, adamw_warm_up, sgd_one_cycle
from mtl.training.optimizers.adamw_warm_up import warmed_up
from mtl.training.optimizers.sgd_one_cycle import one_cycle
from tests.helpers.stages import PRETRAIN


def settings(optimizer):
    return dataclasses.replace(
        PRETRAIN, iterations=8, optimizer=optimizer, learning_rate=0.1, halve_every=3, learning_rate_floor=0.03,
        weight_decay=0.01,
    )  # fmt: skip


def test_one_cycle_by_hand():
    assert one_cycle(1.0, 0, 8) == pytest.approx(0.04)
    assert one_cycle(1.0, 1, 8) == pytest.approx(0.52)
    assert one_cycle(1.0, 2, 8) == pytest.approx(1.0)
    assert one_cycle(1.0, 5, 8) == pytest.approx(0.5)
    assert one_cycle(1.0, 8, 8) == pytest.approx(0.0)
    # The sum over many steps: the ramp of the first quarter, and half of the rest under the cosine.
    assert sum(one_cycle(1.0, i, 10_000) for i in range(10_000)) / 10_000 == pytest.approx(
        0.25 * 0.52 + 0.375, abs=1e-3
    )


def test_the_papers_rate_is_halved():
    _, rate_at = adam_halving.build(settings("adam-halving"), torch.nn.Linear(2, 2))
    assert [rate_at(iteration) for iteration in (0, 2, 3, 6)] == pytest.approx([0.1, 0.1, 0.05, 0.03])


def test_sgd_is_nesterov_with_decay_of_weights_alone():
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    weight, bias = copy.deepcopy(network.weight.data), copy.deepcopy(network.bias.data)
    optimizer, rate_at = sgd_one_cycle.build(settings("sgd-one-cycle"), network)
    momentum = [torch.zeros_like(weight), torch.zeros_like(bias)]
    for iteration in range(3):
        rate = rate_at(iteration)
        for group in optimizer.param_groups:
            group["lr"] = rate
        images = torch.randn(5, 3)
        optimizer.zero_grad()
        network(images).square().sum().backward()
        gradients = [network.weight.grad + 0.01 * weight, network.bias.grad.clone()]
        optimizer.step()
        for index, (gradient, value) in enumerate(zip(gradients, (weight, bias), strict=True)):
            momentum[index] = 0.9 * momentum[index] + gradient
            value -= rate * (gradient + 0.9 * momentum[index])
        assert torch.allclose(network.weight, weight, atol=1e-6)
        assert torch.allclose(network.bias, bias, atol=1e-6)


def test_warm_up_by_hand():
    """Of 20 steps the first two rise by thirds; of the other 18, the tenth is in the middle of the cosine."""
    assert [warmed_up(3.0, i, 20) for i in (0, 1, 2, 11, 20)] == pytest.approx([1.0, 2.0, 3.0, 1.5, 0.0])


def test_adamw_decays_weights_alone_and_apart_from_the_gradient():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    values = [value.detach().clone() for value in network.parameters()]
    optimizer, rate_at = adamw_warm_up.build(settings("adamw-warm-up"), network)
    mean, square = ([torch.zeros_like(value) for value in values] for _ in range(2))
    for iteration in range(3):
        rate = rate_at(iteration)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        network(torch.randn(5, 3)).square().sum().backward()
        gradients = [value.grad.clone() for value in network.parameters()]
        optimizer.step()
        for index, (gradient, value) in enumerate(zip(gradients, values, strict=True)):
            mean[index] = 0.9 * mean[index] + 0.1 * gradient
            square[index] = 0.999 * square[index] + 0.001 * gradient**2
            debiased = mean[index] / (1 - 0.9 ** (iteration + 1)), square[index] / (1 - 0.999 ** (iteration + 1))
            value -= rate * ((0.01 if value.ndim > 1 else 0) * value + debiased[0] / (debiased[1].sqrt() + 1e-8))
        for ours, value in zip(network.parameters(), values, strict=True):
            assert torch.allclose(ours, value, atol=1e-5)
