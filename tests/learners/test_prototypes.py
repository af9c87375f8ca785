"""Prototypical Networks, and what all metric learners share: batch norm over support and query together."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from mtl.data.tasks import TaskShape, draw_uniform
from mtl.evaluation.scoring import bank
from mtl.learners import build_learner
from mtl.networks.batch_norm import BatchNorm
from mtl.training.meta_step import MetaStep
from tests.helpers.learners import CPU, NETWORK, build, method

SUPPORT = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [0.0, 2.0]], dtype=torch.float64)
QUERY = torch.tensor([[1.0, 1.0], [0.0, 2.0]], dtype=torch.float64)
LABELS = torch.tensor([0, 0, 1, 1])


@pytest.fixture
def learner(tiny):
    return build(tiny, "prototypes-ss", base_learner=None)


def test_hand_computed_episode(learner):
    loss, logits = learner.loss(SUPPORT[None], LABELS, QUERY[None], torch.tensor([0, 1]))
    assert logits[0].tolist() == [[-1.0, -5.0], [-5.0, -1.0]]
    assert loss.item() == pytest.approx(0.018150, abs=1e-6)


def test_gradient_of_a_query(learner):
    query = QUERY[:1].clone().requires_grad_()
    loss, _ = learner.loss(SUPPORT[None], LABELS, query[None], torch.tensor([0]))
    (gradient,) = torch.autograd.grad(loss, query)
    assert gradient[0].tolist() == pytest.approx([-0.035972, 0.107917], abs=1e-6)


def test_gradients_are_those_of_finite_differences(learner):
    support, query = (x[None].clone().requires_grad_() for x in (SUPPORT, QUERY))
    assert torch.autograd.gradcheck(lambda s, q: learner.loss(s, LABELS, q, torch.tensor([0, 1]))[0], (support, query))


def test_permuting_classes_permutes_logits(learner):
    order = torch.tensor([1, 0])
    swapped = SUPPORT.unflatten(0, (2, 2))[order].flatten(0, 1)
    ours, theirs = (learner.predict(x[None], LABELS, QUERY[None]) for x in (SUPPORT, swapped))
    assert torch.allclose(ours[..., order], theirs)


def test_constant_features_decide_nothing(learner):
    probabilities = learner.predict(torch.ones(1, 10, 3), torch.arange(5).repeat_interleave(2), torch.ones(1, 4, 3))
    assert torch.equal(probabilities, torch.zeros(1, 4, 5))


def test_statistics_of_support_and_query_together_keep_what_lies_between_them(tiny):
    """With statistics of its own, a query of 10 looks like a support of 0 when the others are 14 and 2."""
    norm, conv = BatchNorm(1), nn.Conv2d(1, 1, 1, bias=False)
    norm.statistics = "episode"
    nn.init.ones_(conv.weight)
    x = torch.tensor([0.0, 2.0, 10.0, 14.0]).reshape(4, 1, 1, 1)
    apart, together = (norm.eval()(conv, x, sets).flatten().tolist() for sets in ([2, 2], [4]))
    assert apart == pytest.approx([-0.9995, 0.9995, -0.9999, 0.9999], abs=1e-4)
    assert together == pytest.approx([-1.1358, -0.7863, 0.6116, 1.3105], abs=1e-4)


@pytest.mark.parametrize("name", ["prototypes-ss", "prototypes"])
def test_support_and_query_are_embedded_as_one_set(tiny, train_images, name):
    learner = build(tiny, name, base_learner=None, batch_norm="episode")
    tasks = draw_uniform(train_images.rows_by_class, TaskShape(5, 1, 3), 2, np.random.default_rng(0))
    support, query = (train_images.images[torch.from_numpy(rows)] for rows in (tasks.support, tasks.query))
    ours = torch.cat(learner.embed_sets(support, query), dim=1)
    for task in range(2):
        slow = learner.backbone(torch.cat([support[task], query[task]]) / 255, [20])
        assert torch.allclose(ours[task], slow, atol=1e-5)


def test_training_tasks_may_have_more_classes(tiny, train_images):
    learner, shape = build(tiny, "prototypes-ft", base_learner=None), TaskShape(8, 1, 3)
    banked, step = bank(learner, train_images.images), MetaStep(learner, shape, CPU.torch_device)
    drawn = draw_uniform(train_images.rows_by_class, shape, 2, np.random.default_rng(0))
    losses = [step(banked, drawn, 1e-2)[0].item() for _ in range(5)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("modulate", ["ft", "ss"])
def test_theta_is_opened_as_for_meta_transfer_learning(tiny, modulate):
    """The same parameters move, those of the classifier apart."""
    rows = [dataclasses.replace(method(f"prototypes-{modulate}"), scope="last"), method(f"{modulate}-last")]
    theta = tiny / "theta.safetensors"
    ours, theirs = (build_learner(row, NETWORK, "running", theta, 5, None, 0, CPU).learned() for row in rows)
    assert set(ours) == {name for name in theirs if name.startswith("backbone.")}
