"""Siamese networks: the paper's distance in loops, and a loss that does not reward saying no."""

import dataclasses
import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional as F

from mtl.learners import build_learner
from tests.helpers.learners import CPU, NETWORK, build, method

LABELS, TARGETS = torch.arange(5).repeat_interleave(2), torch.arange(5).repeat_interleave(3)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def learner(tiny):
    """With features of 16 dimensions."""
    row = dataclasses.replace(method("siamese"), pretrained=True)
    return build_learner(row, NETWORK, "running", tiny / "theta.safetensors", 5, None, 0, CPU)


def tasks(count, noise=0.3):
    """Supports (T, 10, D) and queries (T, 15, D) of length 1, around five random means of each task."""
    means = torch.randn(count, 5, 16)
    sets = means[:, LABELS], means[:, TARGETS]
    return [F.normalize(one + noise * torch.randn(one.shape), dim=2) for one in sets]


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
    support, query = tasks(2)
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
    one, other = (part[:, ::2][:, :5] for part in tasks(2))
    pairs, turned = learner._of_pairs(one, other), learner._of_pairs(other, one)
    assert torch.allclose(pairs, turned.transpose(1, 2), atol=1e-6)


def test_features_have_the_length_1(learner, test_images):
    features = learner.embed(test_images.images[None, :20])
    assert torch.allclose(features.norm(dim=2), torch.ones(1, 20), atol=1e-5)


def test_tasks_together_are_tasks_one_at_a_time_and_so_are_queries(learner):
    support, query = tasks(4)
    together = learner.predict(support, LABELS, query)
    for task in range(4):
        alone = learner.predict(support[task : task + 1], LABELS, query[task : task + 1, 7:8])
        assert torch.allclose(alone[0, 0], together[task, 7], atol=1e-5)


def test_classes_in_another_order_give_logits_in_that_order(learner):
    support, query = tasks(2)
    order = torch.tensor([3, 0, 4, 1, 2])
    permuted = support.unflatten(1, (5, 2))[:, order].flatten(1, 2)
    ours = learner.predict(permuted, LABELS, query)
    assert torch.allclose(ours, learner.predict(support, LABELS, query)[..., order], atol=1e-5)


def test_constant_features_tell_nothing(learner):
    logits = learner.predict(torch.ones(1, 10, 16), LABELS, torch.ones(1, 15, 16))
    assert torch.equal(logits, torch.ones(1, 15, 5))


@pytest.mark.parametrize("answer", [-20.0, 0.0, 20.0])
def test_no_constant_answer_is_better_than_one_half(learner, answer):
    """Without weights, `no` to all pairs would be: 4 of 5 are of two classes."""
    learner.theta_alpha.data.zero_()
    learner.theta_bias.data.fill_(answer)
    loss, _ = learner.loss(*tasks(1)[:1], LABELS, tasks(1)[1], TARGETS)
    assert loss.item() == pytest.approx(math.log(2) if answer == 0 else 10, abs=1e-4)


def test_first_loss_is_near_that_of_one_half(tiny, train_images):
    learner = build(tiny, "siamese")
    support, query = learner.embed_sets(train_images.images[None, :10], train_images.images[None, 10:25])
    loss, _ = learner.loss(support, LABELS, query, TARGETS)
    assert loss.item() == pytest.approx(math.log(2), abs=0.15)


@pytest.mark.usefixtures("float64")
def test_gradients(learner):
    learner.double()
    sets = [one.double().requires_grad_() for one in tasks(2)]
    assert gradcheck(lambda s, q, *_: learner.loss(s, LABELS, q, TARGETS)[0], (*sets, *own(learner)), fast_mode=True)


def test_after_learning_shuffled_supports_are_at_chance(learner):
    """A learner that found labels in the places of supports or queries would know them still."""
    optimizer = torch.optim.Adam(own(learner), lr=3e-2)
    for _ in range(30):
        support, query = tasks(16)
        optimizer.zero_grad()
        learner.loss(support, LABELS, query, TARGETS)[0].backward()
        optimizer.step()
    support, query = tasks(300)
    shuffled = torch.stack([one[torch.randperm(10)] for one in support])
    right, wrong = (
        (learner.predict(s, LABELS, query).argmax(dim=2) == TARGETS).float().mean() for s in (support, shuffled)
    )
    assert right > 0.9
    assert 0.15 < wrong < 0.25
