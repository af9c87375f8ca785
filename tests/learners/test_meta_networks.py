"""Fast weights by hand and in loops."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mtl.learners.meta_networks import SIZE, FastWeights, preprocessed, weighted
from mtl.learners.reading_order import reading_order
from tests.helpers.learners import build
from tests.learners.metric import LABELS, check_learning_orthogonal


@pytest.fixture
def learner(tiny):
    return build(tiny, "meta-networks-ss", base_learner=None)


def features(tasks=3, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(tasks, count, 16, generator=generator, dtype=dtype) for count in (10, 6)]


def test_preprocessing_by_hand():
    expected = [(0, 1), (-0.657880, -1), (-1, 0.109663), (-1, 0)]
    for pair, wanted in zip(preprocessed(torch.tensor([1, -0.01, 1e-4, 0])), expected, strict=True):
        assert pair.tolist() == pytest.approx(wanted, abs=1e-5)


def test_attention_over_fast_weights_by_hand():
    keys, query = torch.tensor([[[1.0, 0], [0, 1]]]), torch.tensor([[[3.0, 4]]])
    attention = (F.normalize(query, dim=2) @ F.normalize(keys, dim=2).transpose(1, 2)).softmax(dim=2)
    fast = torch.tensor([[[[1.0, 2], [3, 4]], [[0, -1], [1, 0]]]])
    x, slow = torch.tensor([[[1.0, 2]]]), torch.tensor([[1.0, -1], [0, 1]])
    layer = F.relu(x @ slow.T) + F.relu(weighted(attention, fast, x))
    assert layer.flatten().tolist() == pytest.approx([1.151162, 7.501660], abs=1e-5)


def test_logits_in_loops_over_supports_and_queries(learner):
    net, (support, query) = learner.theta_fast, features(1)
    nn.init.normal_(net.outer.weight, std=0.1)  # with zero, as at the start, inner weights would have no gradients
    ours = learner.predict(support, LABELS, query)[0]
    zs, zq = (F.relu(net.project(x[0])) for x in (support, query))
    seen = []
    for z, label in zip(zs, LABELS, strict=True):
        weight = net.embed.weight.detach().clone().requires_grad_()
        loss = F.cross_entropy(net.guess @ F.relu(weight @ z.detach()), label)
        seen.append(torch.autograd.grad(loss, weight)[0])
    order = reading_order(10)
    sequence = torch.stack([preprocessed(seen[i]) for i in order]).movedim(0, 2).reshape(SIZE * SIZE, 10, 2)
    reader = nn.LSTM(2, net.reader.hidden_size, batch_first=True)
    reader.load_state_dict({f"{name}_l0": value for name, value in net.reader.state_dict().items()})
    fast = net.read(reader(sequence)[0][:, -1]).view(SIZE, SIZE)
    keys, asked = (z @ net.embed.weight.T + z @ fast.T for z in (zs, zq))
    made = []
    for key, label in zip(keys.detach(), LABELS, strict=True):
        inner, outer = (layer.weight.detach().clone().requires_grad_() for layer in (net.inner, net.outer))
        loss = F.cross_entropy(outer @ F.relu(inner @ key), label)
        gradients = torch.autograd.grad(loss, (inner, outer))
        makers = (net.make_inner, net.make_outer)
        made.append([make(preprocessed(g)).squeeze(-1) for make, g in zip(makers, gradients, strict=True)])
    for one, logits in zip(asked, ours, strict=True):
        attention = torch.stack([F.cosine_similarity(one, key, dim=0) for key in keys]).softmax(dim=0)
        inner, outer = (sum(a * m[layer] for a, m in zip(attention, made, strict=True)) for layer in (0, 1))
        hidden = F.relu(net.inner.weight @ one) + F.relu(inner @ one)
        assert torch.allclose(net.outer.weight @ hidden + outer @ hidden, logits, atol=1e-4)


def test_the_first_guess_is_not_far_from_chance():
    """With features as many and as large as those of 4CONV at 48 px, which are positive."""
    support, query = (torch.rand(3, count, 288) * 2 for count in (10, 6))
    with torch.no_grad():
        logits = FastWeights(288, 5, seed=0)(support, LABELS, query)
    targets = torch.arange(18) % 5
    assert F.cross_entropy(logits.flatten(0, 1), targets).item() == pytest.approx(math.log(5), abs=0.1)


def test_the_first_guess_is_that_of_fast_weights_of_full_size():
    """If slow ones took part, or fast ones began small, nothing would be learned from random features."""
    net = FastWeights(16, 5, seed=0)
    assert not net.outer.weight.any()
    made = net.make_outer(preprocessed(torch.linspace(-0.5, 0.5, 11))).squeeze(-1)
    assert (made[0] - made[-1]).abs() > 0.05
    inner = net.make_inner(preprocessed(torch.linspace(-0.5, 0.5, 11))).squeeze(-1)
    assert inner.abs().max() < 0.02


def test_no_query_sees_another_and_no_task_either(learner):
    support, query = features()
    together = learner.predict(support, LABELS, query)
    alone = learner.predict(support[1:2], LABELS, query[1:2, 3:4])
    assert torch.allclose(together[1, 3], alone[0, 0], atol=1e-5)


def test_labels_of_supports_matter(learner):
    support, query = features()
    logits = learner.predict(support, LABELS, query)
    assert not torch.allclose(learner.predict(support, LABELS.flip(0), query), logits, atol=1e-5)


def test_it_learns_what_is_in_the_supports(learner):
    check_learning_orthogonal(learner, learner.theta_fast.parameters(), 4, updates=60, tasks_at_once=4, tested=20)
