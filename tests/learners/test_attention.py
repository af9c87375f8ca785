"""FEAT: the self-attention of the authors' code in loops; a set in, a set out."""

import dataclasses
import math

import pytest
import torch

from mtl.learners import build_learner
from mtl.learners.attention import SelfAttention
from mtl.runtime.errors import UserError
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


def learner_with(tiny, **options):
    """A learner of features of 16 dimensions."""
    row = dataclasses.replace(method("attention-ss"), options=options)
    return build_learner(row, NETWORK, "running", tiny / "theta.safetensors", 5, None, 0, CPU)


@pytest.fixture
def learner(tiny):
    return learner_with(tiny)


def own(learner):
    return list(learner.theta_attention.parameters())


def test_an_example_by_hand():
    attention = SelfAttention(2, seed=0)
    for linear in (attention.query, attention.key, attention.value, attention.output):
        linear.weight.data = torch.eye(2)
    sums = []
    attention.norm.register_forward_pre_hook(lambda _, inputs: sums.append(inputs[0]))
    adapted = attention(torch.eye(2).unsqueeze(0))
    assert sums[0][0, 0].tolist() == pytest.approx((1.669762, 0.330238), abs=1e-6)
    assert adapted[0, 0].tolist() == pytest.approx((0.999989, -0.999989), abs=1e-6)
    assert adapted[0, 1].tolist() == pytest.approx((-0.999989, 0.999989), abs=1e-6)


@torch.no_grad()
def test_a_loop_over_classes(tiny):
    learner, (support, query) = learner_with(tiny, temperature=10.0), tasks(2)
    net = learner.theta_attention
    for value in own(learner):
        value.data = torch.randn(value.shape) / 4
    logits = learner.predict(support, LABELS, query)
    for s, q, ours in zip(support, query, logits, strict=True):
        means = [s[2 * label : 2 * label + 2].mean(dim=0) for label in range(5)]
        for label, mean in enumerate(means):
            inner = [math.exp((net.query.weight @ mean) @ (net.key.weight @ other) / 4) for other in means]
            read = sum(one / sum(inner) * (net.value.weight @ other) for one, other in zip(inner, means, strict=True))
            x = mean + net.output.weight @ read + net.output.bias
            x = (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt() * net.norm.weight + net.norm.bias
            expected = [-(one - x).pow(2).sum().item() / 10 for one in q]
            assert ours[:, label].tolist() == pytest.approx(expected, abs=1e-4)


def test_tasks_together_are_tasks_one_at_a_time_and_so_are_queries(learner):
    check_one_at_a_time(learner, *tasks(4))


def test_classes_in_another_order_give_logits_in_that_order(learner):
    check_other_order(learner, *tasks(2))


def test_a_prototype_depends_on_the_other_classes(learner):
    support, query = tasks(1)
    others = support.clone()
    others[:, 2:] += 1
    before, after = (learner.predict(s, LABELS, query)[..., 0] for s in (support, others))
    assert (before - after).abs().max() > 1e-3


def test_constant_features_tell_nothing(learner):
    logits = learner.predict(torch.ones(1, 10, 16), LABELS, torch.ones(1, 15, 16))
    assert torch.equal(logits, logits[:1, :1, :1].expand_as(logits))


def test_first_loss_is_near_that_of_guessing(tiny, train_images):
    learner = build(tiny, "attention-ss")
    support, query = learner.embed_sets(train_images.images[None, :10], train_images.images[None, 10:25])
    loss, _ = learner.loss(support, LABELS, query, TARGETS)
    assert loss.item() == pytest.approx(math.log(5), abs=0.2)


@pytest.mark.usefixtures("float64")
def test_gradients(tiny):
    learner = learner_with(tiny, temperature=2.0).double()
    check_gradients(learner, own(learner), tasks(2))


def test_after_learning_shuffled_supports_are_at_chance(tiny):
    learner = learner_with(tiny, temperature=4.0)
    check_learning(learner, own(learner), tasks, updates=30, rate=1e-2, at_least=0.9)


def test_a_temperature_of_nothing(tiny):
    with pytest.raises(UserError, match=r"options\.temperature"):
        learner_with(tiny, temperature=0.0)


def test_own_parameters_do_not_depend_on_the_global_stream(tiny):
    made = []
    for number in (1, 2):
        torch.manual_seed(number)
        made.append(own(build(tiny, "attention-ft")))
    assert len(made[0]) == 7
    assert all(torch.equal(one, other) for one, other in zip(*made, strict=True))
