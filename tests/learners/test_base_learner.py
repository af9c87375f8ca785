import pytest
import torch
from torch.nn import functional as F

from mtl.learners.base_learner import adapt, adapt_first_order, logits, mean_rate
from mtl.learners.learner import Head
from mtl.specs.inner_steps import InnerRate


def autograd_loop(head, features, labels, learning_rate, steps, second_order=True):
    """One task at a time, gradients by autograd; without `second_order` they are constants."""
    weights, biases = [], []
    for task in features:
        weight, bias = head.weight, head.bias
        for _ in range(steps):
            loss = F.cross_entropy(task @ weight.T + bias, labels)
            gradient = torch.autograd.grad(loss, (weight, bias), create_graph=second_order, retain_graph=True)
            weight, bias = weight - learning_rate * gradient[0], bias - learning_rate * gradient[1]
        weights.append(weight)
        biases.append(bias)
    return Head(torch.stack(weights), torch.stack(biases))


@pytest.fixture
def problem():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 10, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    query = torch.randn(3, 15, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(5, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(5, generator=generator, dtype=torch.float64, requires_grad=True)
    return features, query, Head(weight, bias), torch.arange(5).repeat_interleave(2)


@pytest.mark.parametrize("steps", [0, 1, 20])
def test_equals_an_autograd_loop(problem, steps):
    features, _, head, labels = problem
    ours, slow = adapt(head, features, labels, 0.3, steps), autograd_loop(head, features, labels, 0.3, steps)
    assert (ours.weight - slow.weight).abs().max() < 1e-10
    assert (ours.bias - slow.bias).abs().max() < 1e-10


def test_meta_gradient_equals_that_of_the_loop(problem):
    features, query, head, labels = problem
    targets = torch.arange(5).repeat_interleave(3).repeat(3)
    gradients = []
    for learner in (adapt, autograd_loop):
        adapted = learner(head, features, labels, 0.3, 5)
        loss = F.cross_entropy(logits(adapted, query).flatten(0, 1), targets)
        gradients.append(torch.autograd.grad(loss, (features, query, head.weight, head.bias)))
    for ours, slow in zip(*gradients, strict=True):
        assert (ours - slow).abs().max() < 1e-10


def first_order_loop(*arguments):
    return autograd_loop(*arguments, second_order=False)


def test_a_first_order_meta_gradient_equals_that_of_a_loop_with_constant_inner_gradients(problem):
    """The steps are the same; support features, which only the inner gradients depend on, get none."""
    features, query, head, labels = problem
    targets = torch.arange(5).repeat_interleave(3).repeat(3)
    found = []
    for learner in (adapt_first_order, first_order_loop, adapt):
        adapted = learner(head, features, labels, 0.3, 5)
        loss = F.cross_entropy(logits(adapted, query).flatten(0, 1), targets)
        gradients = torch.autograd.grad(loss, (query, head.weight, head.bias, features), allow_unused=True)
        found.append((*adapted, *gradients))
    ours, slow, second = found
    for one, other in zip(ours[:-1], slow[:-1], strict=True):
        assert (one - other).abs().max() < 1e-10
    assert ours[-1] is slow[-1] is None
    assert (ours[0] - second[0]).abs().max() < 1e-10
    assert (ours[3] - second[3]).abs().max() > 1e-3


def test_meta_gradient_passes_gradcheck(problem):
    features, query, head, labels = problem

    def outer(features, query, weight, bias):
        return logits(adapt(Head(weight, bias), features, labels, 0.3, 3), query)

    assert torch.autograd.gradcheck(outer, (features, query, head.weight, head.bias))


def test_gradients_are_of_second_order(problem):
    """The gradient to the initial head differs from the first-order one, which treats θ' as θ."""
    features, query, head, labels = problem
    adapted = adapt(head, features, labels, 0.3, 5)
    targets = torch.arange(5).repeat_interleave(3).repeat(3)
    loss = F.cross_entropy(logits(adapted, query).flatten(0, 1), targets)
    second, first = torch.autograd.grad(loss, (head.weight, adapted.weight), retain_graph=True)
    assert (second - first.sum(dim=0)).abs().max() > 1e-3


def test_tasks_do_not_mix(problem):
    features, _, head, labels = problem
    alone = adapt(head, features[1:2], labels, 0.3, 5)
    together = adapt(head, features, labels, 0.3, 5)
    assert torch.allclose(alone.weight[0], together.weight[1], atol=1e-12)


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_rate_of_a_sum_over_shots_makes_the_steps_of_that_loss(float64, mirrored):
    """The authors' loss: summed over the support set, including mirror images, and divided by the shots."""
    way, shot, steps = 3, 2, 4
    images = shot * (2 if mirrored else 1)
    labels = torch.arange(way).repeat_interleave(images)
    features, weight, bias = torch.randn(len(labels), 4), torch.randn(way, 4), torch.randn(way)
    rate = mean_rate(InnerRate(learning_rate=0.01, reduction="sum-over-shots"), way, mirrored)
    adapted = adapt(Head(weight, bias), features[None], labels, rate, steps)
    slow = [weight.clone().requires_grad_(), bias.clone().requires_grad_()]
    for _ in range(steps):
        loss = F.cross_entropy(features @ slow[0].T + slow[1], labels, reduction="sum") / shot
        slow = [value - 0.01 * g for value, g in zip(slow, torch.autograd.grad(loss, slow), strict=True)]
    assert (adapted.weight[0] - slow[0]).abs().max() < 1e-10
    assert (adapted.bias[0] - slow[1]).abs().max() < 1e-10
    assert mean_rate(InnerRate(learning_rate=0.01, reduction="mean"), way, mirrored) == 0.01
