"""Relation Networks: each pair of maps in a call of its own, and small maps."""

import dataclasses
import math

import pytest
import torch
from torch.nn import functional as F

from mtl.learners import build_learner
from mtl.learners.relation import RelationModule
from mtl.runtime.device import Device
from mtl.runtime.errors import UserError
from mtl.specs.networks import Network
from tests.helpers.learners import CONV4, CPU, NETWORK, build, method
from tests.learners.metric import (
    LABELS,
    TARGETS,
    check_gradients,
    check_learning,
    check_one_at_a_time,
    check_other_order,
    tasks,
)


def learner_with(tiny, device=CPU, changes=None, **options):
    """A learner of maps of 16 channels."""
    row = dataclasses.replace(method("relation-ss"), options=options, **changes or {})
    return build_learner(row, NETWORK, "running", tiny / "theta.safetensors", 5, None, 0, device)


@pytest.fixture
def learner(tiny):
    """One whose linear layers tell pairs apart: they start near zero."""
    made = learner_with(tiny)
    for linear in (made.theta_relation.hidden, made.theta_relation.score):
        linear.weight.data *= 100
    return made


def own(learner):
    return list(learner.theta_relation.parameters())


def test_the_loss_of_an_example_by_hand(tiny):
    """Scores of the relation w · [s; q] with w = (1, -1, 0.5, 0), s of (1, 0) and (0, 1), and q = (1, 1)."""
    learner = build(tiny, "relation-nets")
    scores = torch.tensor([[[1.5, -0.5]]], requires_grad=True)
    learner.predict = lambda *_: scores
    loss, logits = learner.loss(None, None, None, torch.tensor([0]))
    loss.backward()
    assert logits is scores
    assert scores.sigmoid().flatten().tolist() == pytest.approx((0.817574, 0.377541), abs=1e-6)
    assert loss.item() == pytest.approx(0.087908, abs=1e-6)
    assert scores.grad.flatten().tolist() == pytest.approx((-0.027208, 0.088723), abs=1e-6)


@pytest.mark.parametrize("side", [1, 2, 3, 5])
def test_every_pair_by_itself_with_the_maps_side_by_side(learner, side):
    support, query = tasks(2, 16, side, side)
    net = learner.theta_relation
    scores = learner.predict(support, LABELS, query)
    for s, q, ours in zip(support, query, scores, strict=True):
        for label in range(5):
            for one, score in zip(q, ours[:, label], strict=True):
                x = torch.cat([s[2 * label : 2 * label + 2].mean(dim=0), one]).unsqueeze(0)
                for conv, norm in ((net.conv1, net.norm1), (net.conv2, net.norm2)):
                    groups = conv(x).view(8, -1)
                    groups = groups - groups.mean(dim=1, keepdim=True)
                    groups = groups / (groups.square().mean(dim=1, keepdim=True) + 1e-5).sqrt()
                    x = groups.view(1, 64, *x.shape[2:]) * norm.weight[:, None, None] + norm.bias[:, None, None]
                    x = F.max_pool2d(F.relu(x), 2, ceil_mode=True)
                expected = net.score(F.relu(net.hidden(x.mean(dim=(2, 3)))))
                assert score.item() == pytest.approx(expected.item(), abs=1e-4)


def test_maps_are_banked_as_maps(tiny, test_images):
    """Also where all of Θ is frozen: then the bank holds the maps of the last block."""
    frozen = learner_with(tiny, changes={"modulate": "none", "scope": "head"})
    images = test_images.images[:20]
    banked = frozen.bank(images)
    assert banked.shape == (20, 16, 1, 1)
    opened = learner_with(tiny).embed(images[None])
    assert torch.allclose(frozen.embed(banked[None]), opened, atol=1e-5)
    assert set(frozen.learned()) == {f"theta_relation.{name}" for name, _ in frozen.theta_relation.named_parameters()}


def test_maps_of_any_size(tiny):
    images = torch.randint(256, (1, 10, 3, 48, 48), dtype=torch.uint8)
    network = Network(name="conv4", width=2, image_size=48)
    learner = build_learner(method("relation-nets"), network, "episode", None, 5, None, 0, CPU)
    support, query = learner.embed_sets(images, images)
    assert support.shape == (1, 10, 2, 3, 3)
    assert learner.predict(support, LABELS, query).shape == (1, 10, 5)


def test_tasks_together_are_tasks_one_at_a_time_and_so_are_queries(learner):
    check_one_at_a_time(learner, *tasks(4, 16, 2, 2))


def test_classes_in_another_order_give_logits_in_that_order(learner):
    check_other_order(learner, *tasks(2, 16, 2, 2))


def test_constant_features_tell_nothing(learner):
    logits = learner.predict(torch.ones(1, 10, 16, 2, 2), LABELS, torch.ones(1, 15, 16, 2, 2))
    # Not bit by bit: some processors round the last places of a vector otherwise.
    assert torch.allclose(logits, logits[:1, :1, :1].expand_as(logits), rtol=1e-5)


def test_first_loss_is_that_of_one_half(tiny, train_images):
    learner = build(tiny, "relation-nets")
    support, query = learner.embed_sets(train_images.images[None, :10], train_images.images[None, 10:25])
    loss, _ = learner.loss(support, LABELS, query, TARGETS)
    assert loss.item() == pytest.approx(0.25, abs=0.02)


@pytest.mark.usefixtures("float64")
def test_gradients(tiny):
    row = dataclasses.replace(method("relation-nets"), options={"filters": 16.0})
    learner = build_learner(row, CONV4, "episode", None, 5, None, 0, CPU).double()
    for value in own(learner):
        value.data = torch.randn(value.shape) / 2
    check_gradients(learner, own(learner), tasks(2, 2, 2, 2))


def test_after_learning_shuffled_supports_are_at_chance(tiny):
    learner = learner_with(tiny)
    check_learning(learner, own(learner), lambda count: tasks(count, 16, 1, 1), updates=60, rate=1e-2, at_least=0.8)


def test_bfloat16_convolutions_of_theta_keep_the_relation_in_float32(tiny, test_images):
    learner = learner_with(tiny, Device(torch.device("cpu"), torch.bfloat16), {"modulate": "none", "scope": "head"})
    banked = learner.bank(test_images.images[:25])
    assert banked.dtype == torch.bfloat16
    support, query = learner.embed_sets(banked[None, :10], banked[None, 10:])
    assert support.dtype == learner.predict(support, LABELS, query).dtype == torch.float32


def test_filters_that_make_no_groups(tiny):
    with pytest.raises(UserError, match=r"options\.filters: 20 "):
        learner_with(tiny, filters=20.0)


def test_own_parameters_do_not_depend_on_the_global_stream():
    made = []
    for number in (1, 2):
        torch.manual_seed(number)
        made.append(list(RelationModule(4, 8, seed=0).parameters()))
    assert len(made[0]) == 10
    assert all(torch.equal(one, other) for one, other in zip(*made, strict=True))
    assert math.isclose(made[0][0].std().item(), math.sqrt(2 / (9 * 16)), rel_tol=0.2)
