"""Siamese networks: the paper's distance in loops, and a loss that does not reward saying no."""

import dataclasses
import math

import pytest
import torch
from torch.nn import functional as F

from mtl.learners import build_learner
from tests.helpers.learners import CPU, NETWORK, build, method
from tests.learners.metric import (
    LABELS,
    TARGETS,
    check_gradients,
    check_learning,
    check_one_at_a_time,
    check_other_order,
    tasks,
)


@pytest.fixture
def learner(tiny):
    """With features of 16 dimensions."""
    row = dataclasses.replace(method("siamese"), pretrained=True)
    return build_learner(row, NETWORK, "running", tiny / "theta.safetensors", 5, None, 0, CPU)


def unit_tasks(count):
    """Tasks of features of length 1."""
    return [F.normalize(one, dim=2) for one in tasks(count)]


def own(learner):
    return [learner.theta_alpha, learner.theta_bias]


def test_an_example_by_hand(tiny):
    learner = build(tiny, "siamese")
    learner.theta_alpha.data = torch.tensor([-2.0, -1.0])
    support, query = torch.tensor([[[0.2, 0.9], [0.8, 0.1], [0.4, 0.5]]]), torch.tensor([[[0.2, 0.9]]])
    loss, logits = learner.loss(support, torch.arange(3), query, torch.tensor([0]))
    assert logits.flatten().tolist() == pytest.approx((1, -1, 0.2), abs=1e-6)
    assert logits.sigmoid().flatten().tolist() == pytest.approx((0.731059, 0.268941, 0.549834), abs=1e-6)
    assert loss.item() == pytest.approx(0.434481, abs=1e-6)


def test_a_loop_over_pairs(learner):
    support, query = unit_tasks(2)
    learner.theta_alpha.data = torch.randn(16)
    loss, logits = learner.loss(support, LABELS, query, TARGETS)
    losses, weights = [], []
    for s, q, ours in zip(support, query, logits, strict=True):
        for one, target, scores in zip(q, TARGETS, ours, strict=True):
            pairs = [sum(learner.theta_alpha * (one - x).abs()) + 1 for x in s]
            means = [(pairs[2 * label] + pairs[2 * label + 1]).item() / 2 for label in range(5)]
            assert scores.tolist() == pytest.approx(means, abs=1e-5)
            for label, pair in zip(LABELS, pairs, strict=True):
                weights.append(4 if label == target else 1)
                losses.append(-weights[-1] * math.log((pair if label == target else -pair).sigmoid().item()))
    assert loss.item() == pytest.approx(sum(losses) / sum(weights), abs=1e-5)


def test_two_images_are_as_like_as_in_the_other_order(learner):
    one, other = (part[:, ::2][:, :5] for part in unit_tasks(2))
    pairs, turned = learner._of_pairs(one, other), learner._of_pairs(other, one)
    assert torch.allclose(pairs, turned.transpose(1, 2), atol=1e-6)


def test_features_have_the_length_1(learner, test_images):
    features = learner.embed(test_images.images[None, :20])
    assert torch.allclose(features.norm(dim=2), torch.ones(1, 20), atol=1e-5)


def test_tasks_together_are_tasks_one_at_a_time_and_so_are_queries(learner):
    check_one_at_a_time(learner, *unit_tasks(4))


def test_classes_in_another_order_give_logits_in_that_order(learner):
    check_other_order(learner, *unit_tasks(2))


def test_constant_features_tell_nothing(learner):
    logits = learner.predict(torch.ones(1, 10, 16), LABELS, torch.ones(1, 15, 16))
    assert torch.equal(logits, torch.ones(1, 15, 5))


@pytest.mark.parametrize("answer", [-20.0, 0.0, 20.0])
def test_no_constant_answer_is_better_than_one_half(learner, answer):
    """Without weights, `no` to all pairs would be: 4 of 5 are of two classes."""
    learner.theta_alpha.data.zero_()
    learner.theta_bias.data.fill_(answer)
    loss, _ = learner.loss(*unit_tasks(1)[:1], LABELS, unit_tasks(1)[1], TARGETS)
    assert loss.item() == pytest.approx(math.log(2) if answer == 0 else 10, abs=1e-4)


def test_first_loss_is_near_that_of_one_half(tiny, train_images):
    learner = build(tiny, "siamese")
    support, query = learner.embed_sets(train_images.images[None, :10], train_images.images[None, 10:25])
    loss, _ = learner.loss(support, LABELS, query, TARGETS)
    assert loss.item() == pytest.approx(math.log(2), abs=0.15)


@pytest.mark.usefixtures("float64")
def test_gradients(learner):
    check_gradients(learner.double(), own(learner), unit_tasks(2))


def test_after_learning_shuffled_supports_are_at_chance(learner):
    check_learning(learner, own(learner), unit_tasks, updates=30, rate=3e-2, at_least=0.9)
