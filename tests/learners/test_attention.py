"""FEAT: the self-attention of the authors' code in loops; a set in, a set out."""

import dataclasses
import math

import pytest
import torch
from torch.autograd import gradcheck

from mtl.learners import build_learner
from mtl.learners.attention import SelfAttention
from mtl.runtime.errors import UserError
from tests.helpers.learners import CPU, NETWORK, build, method

LABELS, TARGETS = torch.arange(5).repeat_interleave(2), torch.arange(5).repeat_interleave(3)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def learner_with(tiny, **options):
    """A learner of features of 16 dimensions."""
    row = dataclasses.replace(method("attention-ss"), options=options)
    return build_learner(row, NETWORK, "running", tiny / "theta.safetensors", 5, None, 0, CPU)


@pytest.fixture
def learner(tiny):
    return learner_with(tiny)


def tasks(count, noise=0.3):
    """Supports (T, 10, D) and queries (T, 15, D) around five random means of each task."""
    means = torch.randn(count, 5, 16)
    sets = means[:, LABELS], means[:, TARGETS]
    return [one + noise * torch.randn(one.shape) for one in sets]


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
    sets = [one.double().requires_grad_() for one in tasks(2)]
    assert gradcheck(lambda s, q, *_: learner.loss(s, LABELS, q, TARGETS)[0], (*sets, *own(learner)), fast_mode=True)


def test_after_learning_shuffled_supports_are_at_chance(tiny):
    """A learner that found labels in the places of supports or queries would know them still."""
    learner = learner_with(tiny, temperature=4.0)
    optimizer = torch.optim.Adam(own(learner), lr=1e-2)
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
