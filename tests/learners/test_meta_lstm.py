"""The LSTM meta-learner: its gates by hand, and as plain gradient descent where they are saturated."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mtl.data.tasks import TaskShape, draw_uniform, labels
from mtl.evaluation.scoring import bank
from mtl.learners.gated_descent import GatedDescent, preprocessed
from mtl.learners.surrogate import clipped
from tests.helpers.learners import build, inner_loop

SHAPE = TaskShape(5, 1, 3)
LABELS, TARGETS = (torch.from_numpy(labels(5, count)) for count in (1, 3))


def sets_of(images, tasks=2):
    drawn = draw_uniform(images.rows_by_class, SHAPE, tasks, np.random.default_rng(0))
    return [images.images[torch.from_numpy(rows)] for rows in (drawn.support, drawn.query)]


def embedded(learner, images, tasks=2):
    """Support features, their labels, query features."""
    banked = (bank(learner, x.flatten(0, 1)).unflatten(0, x.shape[:2]) for x in sets_of(images, tasks))
    support, query = learner.embed_sets(*banked)
    return support, LABELS, query


def saturated(optimizer, rate):
    """Gates that keep everything and take steps of one length, whatever they see."""
    with torch.no_grad():
        for value in optimizer.parameters():
            value.zero_()
        optimizer.forget.bias.fill_(50.0)
        optimizer.step.bias.fill_(math.log(rate / (1 - rate)))


def test_preprocessing_by_hand():
    expected = [[0, 1], [-0.460517, -1], [-1, 0.220265], [-1, 0], [-1, -1]]
    for value, pair in zip(preprocessed(torch.tensor([1, -0.01, 1e-5, 0, -math.exp(-10)])), expected, strict=True):
        assert value.tolist() == pytest.approx(pair, abs=1e-5)


def test_two_steps_by_hand():
    optimizer = GatedDescent(0.01, seed=0)
    with torch.no_grad():
        for value in optimizer.parameters():
            value.zero_()
        optimizer.forget.weight[0, -2:] = torch.tensor([0.2, 0.1])
        optimizer.step.weight[0, -2:] = torch.tensor([-0.1, 0.3])
        optimizer.forget.bias.fill_(4.5)
        optimizer.step.bias.fill_(-4.5)
    values, gradient = torch.tensor([0.5, -0.2]), torch.tensor([0.1, -0.3])
    gates = optimizer.start(values)
    for expected, forget, step in (
        ([0.493978, -0.194352], [4.6, 4.46], [-4.55, -4.48]),
        ([0.490591, -0.192042], [5.058796, 4.907130], [-5.914398, -5.824565]),
    ):
        values, gates = optimizer(values, gradient, torch.ones(2), gates)
        assert values.tolist() == pytest.approx(expected, abs=1e-6)
        assert gates.forget.tolist() == pytest.approx(forget, abs=1e-5)
        assert gates.step.tolist() == pytest.approx(step, abs=1e-5)


@pytest.mark.parametrize(("name", "same"), [("meta-learner-lstm", "maml"), ("meta-learner-lstm-head", "linear")])
def test_saturated_gates_are_gradient_descent(tiny, network, test_images, name, same):
    learners = [
        build(tiny, one, base_learner=inner_loop(0.05, steps=3), network=network, theta_start="zero")
        for one in (name, same)
    ]
    saturated(learners[0].theta_optimizer, 0.05)
    with torch.no_grad():
        ours, theirs = (one.predict(*embedded(one, test_images)) for one in learners)
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_the_meta_gradient_reaches_start_and_optimizer_but_no_gradient_within_a_task(tiny, network, train_images):
    """Of saturated gates it is that of first-order MAML."""
    learner, fomaml = (
        build(tiny, name, base_learner=inner_loop(0.05, steps=2), network=network)
        for name in ("meta-learner-lstm", "fomaml")
    )
    saturated(learner.theta_optimizer, 0.05)
    sets = sets_of(train_images)
    for one in (learner, fomaml):
        F.cross_entropy(one.predict(sets[0], LABELS, sets[1]).flatten(0, 1), TARGETS.repeat(2)).backward()
    for name, value in fomaml.named_parameters():
        assert torch.allclose(learner.get_parameter(name).grad, value.grad, atol=1e-5), name
    assert learner.theta_optimizer.step.bias.grad.abs() > 0


def test_gradients_are_clipped_to_their_norm():
    x = torch.tensor([3.0, 4.0], requires_grad=True)
    for norm, expected in ((1.0, [0.6, 0.8]), (100.0, [6.0, 8.0])):
        (gradient,) = torch.autograd.grad(clipped(x.square().sum(), [x], norm), x)
        assert gradient.tolist() == pytest.approx(expected)
    assert clipped(x.square().sum(), [x], 1.0).item() == 25


def test_tasks_together_are_tasks_one_at_a_time(tiny, network, test_images):
    for name in ("meta-learner-lstm", "meta-learner-lstm-head"):
        learner = build(tiny, name, base_learner=inner_loop(0.05, steps=3), network=network)
        support, _, query = embedded(learner, test_images, 3)
        together = learner.predict(support, LABELS, query)
        alone = learner.predict(support[1:2], LABELS, query[1:2])
        assert torch.allclose(together[1], alone[0], atol=1e-5)


def test_permuting_classes_permutes_logits(tiny):
    learner = build(tiny, "meta-learner-lstm-head", base_learner=inner_loop(0.05, steps=3), theta_start="zero")
    support, query, order = torch.randn(2, 5, 16), torch.randn(2, 7, 16), torch.tensor([2, 0, 4, 1, 3])
    ours, theirs = (learner.predict(x, LABELS, query) for x in (support, support[:, order]))
    assert torch.allclose(ours[..., order], theirs, atol=1e-5)
