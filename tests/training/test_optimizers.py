"""The two optimisers of pre-training, against torch and against numbers by hand."""

import copy
import dataclasses

import pytest
import torch

from mtl.training.optimizers import adam_halving, sgd_one_cycle
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
