"""Reptile, against a loop with torch's optimizer and against numbers by hand."""

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mtl.data.tasks import TaskShape, draw_uniform, labels
from mtl.learners.reptile import minibatches
from mtl.learners.surrogate import surrogate
from tests.helpers.learners import build, inner_loop

SHAPE = TaskShape(5, 1, 3)
LABELS, TARGETS = (torch.from_numpy(labels(5, count)) for count in (1, 3))


def test_a_surrogate_has_the_value_of_the_loss_and_the_step_for_its_gradient():
    """Two quadratic tasks ½ Σ a (w − u)², a = (2, 1), u = (1, 0) and a = (1, 4), u = (0, 1); two steps of 0.1."""
    tasks = [(torch.tensor([2.0, 1.0]), torch.tensor([1.0, 0.0])), (torch.tensor([1.0, 4.0]), torch.tensor([0.0, 1.0]))]
    phi = torch.tensor([3.0, -1.0], requires_grad=True)
    ends = []
    for a, u in tasks:
        w = phi.detach()
        for _ in range(2):
            w = w - 0.1 * a * (w - u)
        ends.append(w)
    assert torch.stack(ends).flatten().tolist() == pytest.approx([2.28, -0.81, 2.43, 0.28])
    loss = surrogate(torch.tensor(7.0), [phi], [phi - torch.stack(ends).mean(dim=0)])
    loss.backward()
    assert loss.item() == pytest.approx(7.0)
    assert phi.grad.tolist() == pytest.approx([0.645, -0.735])


def test_minibatches_go_through_all_images_before_any_comes_again():
    batches = minibatches(20, 8, 5)
    assert batches.shape == (5, 8)
    assert sorted(batches.flatten()[:20].tolist()) == sorted(batches.flatten()[20:].tolist()) == list(range(20))
    assert torch.equal(batches, minibatches(20, 8, 5))
    assert batches.flatten()[:20].tolist() != list(range(20))


def test_the_gradient_is_the_way_to_where_tasks_end(tiny, network, train_images):
    learner = build(tiny, "reptile", base_learner=inner_loop(0.05, steps=4), network=network).double()
    torch.set_default_dtype(torch.float64)
    try:
        drawn = draw_uniform(train_images.rows_by_class, SHAPE, 3, np.random.default_rng(0))
        support, query = (train_images.images[torch.from_numpy(rows)] for rows in (drawn.support, drawn.query))
        loss, logits = learner.loss(support, LABELS, query, TARGETS)
        loss.backward()
        answers, ends, losses = torch.cat([LABELS, TARGETS]), [], []
        for task in range(3):
            network = copy.deepcopy(learner).requires_grad_(True)
            optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
            images = torch.cat([support[task], query[task]])
            for chosen in minibatches(20, 10, 4):
                optimizer.zero_grad()
                F.cross_entropy(network(images[chosen]), answers[chosen]).backward()
                optimizer.step()
            ends.append([value.detach() for value in network.parameters()])
            losses.append(F.cross_entropy(network(query[task]), TARGETS).item())
            assert (network(query[task]) - logits[task]).abs().max() < 1e-10
        assert loss.item() == pytest.approx(np.mean(losses))
        for value, *own in zip(learner.parameters(), *ends, strict=True):
            assert value.grad.abs().max() > 0
            assert (value.grad - (value - torch.stack(own).mean(dim=0))).abs().max() < 1e-10
    finally:
        torch.set_default_dtype(torch.float32)


def test_at_test_it_adapts_as_maml(tiny, network, test_images, test_episodes):
    support, query = (test_images.images[torch.from_numpy(x[:3])] for x in (test_episodes.support, test_episodes.query))
    ours, theirs = (build(tiny, name, network=network).predict(support, LABELS, query) for name in ("reptile", "maml"))
    assert torch.equal(ours, theirs)
