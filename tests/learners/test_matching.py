"""Matching Networks: the paper's attention in loops, and what full context embeddings may know."""

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mtl.learners import build_learner
from mtl.learners.matching_context import Context
from mtl.learners.nearest_mean import nearest_mean
from mtl.learners.reading_order import reading_order
from mtl.runtime.errors import UserError
from tests.helpers.learners import CPU, NETWORK, build, method
from tests.learners.metric import (
    LABELS,
    check_gradients,
    check_learning,
    check_one_at_a_time,
    check_other_order,
    tasks,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def learner_with(tiny, **options):
    """A learner of features of 16 dimensions."""
    row = dataclasses.replace(method("matching-ss"), options=options)
    return build_learner(row, NETWORK, "running", tiny / "theta.safetensors", 5, None, 0, CPU)


def own(learner):
    return [value for name, value in learner.learned().items() if name.startswith("theta_")]


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(1.0, (0.371035, 0.628965)), (10.0, (0.366055, 0.633945)), (100.0, (0.004383, 0.995617))],
)
def test_an_example_by_hand(tiny, temperature, expected):
    learner = learner_with(tiny, temperature=temperature)
    support, query = torch.tensor([[[1.0, 0], [0, 1], [1, 1]]]), torch.tensor([[[2.0, 1]]])
    attention = learner._similarities(support, query)
    assert attention.flatten().tolist() == pytest.approx((0.894427, 0.447214, 0.948683), abs=1e-6)
    probabilities = learner.predict(support, torch.tensor([0, 1, 1]), query).exp().flatten()
    assert probabilities.tolist() == pytest.approx(expected, abs=5e-6)


def test_full_context_by_hand():
    context = Context(1, steps=2, seed=0)
    with torch.no_grad():
        context.query.weight_ih.copy_(torch.tensor([[1.0, 0], [0, 1], [1, 1], [0, 0]]))
        context.query.weight_hh.copy_(torch.tensor([[0.0], [0], [0], [1]]))
        context.query.bias_ih.zero_()
        context.query.bias_hh.zero_()
    support, query = torch.tensor([[[1.0], [-1]]]), torch.tensor([[[0.5]]])
    assert context._attend(support, query).item() == pytest.approx(0.958673, abs=1e-6)
    context.steps = 1
    assert context._attend(support, query).item() == pytest.approx(0.769669, abs=1e-6)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_a_loop_over_queries_and_supports(tiny, distance):
    learner, (support, query) = learner_with(tiny, distance=distance, temperature=0.5), tasks(2)
    logits = learner.predict(support, LABELS, query)
    for s, q, ours in zip(support, query, logits, strict=True):
        for one, scores in zip(q, ours, strict=True):
            alike = [F.cosine_similarity(one, x, dim=0) if distance == "cosine" else -(one - x).pow(2).sum() for x in s]
            weights = [math.exp(0.5 * x) for x in alike]
            by_class = [sum(weights[2 * label : 2 * label + 2]) / sum(weights) for label in range(5)]
            assert scores.exp().tolist() == pytest.approx(by_class, abs=1e-6)


def test_euclidean_at_one_shot_is_a_prototypical_network(tiny):
    learner, (support, query) = learner_with(tiny, distance="euclidean", temperature=1.0), tasks(3, noise=1.0)
    support, each = support[:, ::2], torch.arange(5)
    ours, theirs = learner.predict(support, each, query), nearest_mean(support, each, query)
    assert torch.allclose(ours, theirs.log_softmax(dim=2), atol=1e-4)
    assert torch.equal(ours.argsort(dim=2), theirs.argsort(dim=2))


def test_the_loss_of_a_wrong_answer_has_a_gradient_however_wrong_it_is(tiny):
    learner = learner_with(tiny, distance="euclidean", temperature=1.0)
    support = 10 * torch.randn(1, 5, 64, generator=torch.Generator().manual_seed(0))
    losses, gradients = [], []
    for predict in (learner.predict, nearest_mean):
        query = support.clone().requires_grad_()
        loss = F.cross_entropy(predict(support, torch.arange(5), query)[0], torch.tensor([1, 2, 3, 4, 0]))
        losses.append(loss.item())
        gradients.append(torch.autograd.grad(loss, query)[0])
    assert losses[0] > 1000
    assert losses[0] == pytest.approx(losses[1])
    assert torch.allclose(*gradients)


@pytest.mark.parametrize("context", [False, True])
def test_tasks_together_are_tasks_one_at_a_time_and_so_are_queries(tiny, context):
    check_one_at_a_time(learner_with(tiny, context=context), *tasks(4))


def test_classes_in_another_order_give_logits_in_that_order(tiny):
    check_other_order(learner_with(tiny), *tasks(2))


def test_context_reads_supports_in_one_order_that_mixes_classes(tiny):
    context = learner_with(tiny, context=True).theta_context
    support = tasks(1)[0]
    aware, _ = context(support, support)
    rows = list(reading_order(10))
    assert sorted(rows) == list(range(10))
    assert rows != sorted(rows)
    both = nn.LSTM(16, 16, batch_first=True, bidirectional=True)
    weights = {f"{name}_l0": value for name, value in context.forwards.state_dict().items()}
    weights |= {f"{name}_l0_reverse": value for name, value in context.backwards.state_dict().items()}
    both.load_state_dict(weights)
    read = both(support[:, rows])[0].unflatten(2, (2, 16)).sum(dim=2)
    assert torch.allclose(aware[0, rows], support[0, rows] + read[0], atol=1e-6)


def test_constant_features_tell_nothing(tiny):
    logits = learner_with(tiny).predict(torch.ones(1, 10, 16), LABELS, torch.ones(1, 15, 16))
    assert torch.equal(logits, logits[:1, :1, :1].expand_as(logits))
    assert logits[0, 0, 0].item() == pytest.approx(math.log(0.2))


@pytest.mark.parametrize(("temperature", "expected"), [(1.0, math.log(1 + 4 / math.e)), (10.0, 0.0)])
def test_first_loss_with_orthogonal_classes(tiny, temperature, expected):
    """With τ = 1, no more than 0.4046 of the attention can go to one of five."""
    learner, axes = learner_with(tiny, temperature=temperature), torch.eye(5).unsqueeze(0)
    loss, _ = learner.loss(axes, torch.arange(5), axes, torch.arange(5))
    assert loss.item() == pytest.approx(expected, abs=3e-4)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("options", [{}, {"distance": "euclidean", "temperature": 0.2}, {"context": True}])
def test_gradients(tiny, options):
    learner = learner_with(tiny, **options).double()
    check_gradients(learner, own(learner), tasks(2))


@pytest.mark.parametrize("context", [False, True])
def test_after_learning_shuffled_supports_are_at_chance(tiny, context):
    learner = learner_with(tiny, context=context)
    check_learning(learner, own(learner), tasks, updates=20, rate=1e-2, at_least=0.9)


def test_a_temperature_of_zero_is_refused(tiny):
    with pytest.raises(UserError, match="temperature"):
        learner_with(tiny, temperature=0.0)


def test_own_parameters_do_not_depend_on_the_global_stream(tiny):
    made = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        made.append(own(build(tiny, "matching-context")))
    assert len(made[0]) == 13
    assert all(torch.equal(one, other) for one, other in zip(*made, strict=True))
