"""Statistics of each set: all images through one convolution must give what one set after another gives."""

import functools

import numpy as np
import pytest
import torch

from mtl.data.tasks import TaskShape, draw_uniform, labels
from mtl.evaluation.scoring import embed_episodes, score
from mtl.learners.learner import Learner
from mtl.runtime.device import Device
from mtl.training.meta_step import MetaStep
from tests.helpers.learners import CPU, build

SHAPE = TaskShape(5, 2, 3)
SUPPORT, TARGETS = (torch.from_numpy(labels(5, count)) for count in (2, 3))


def sets_of(images, tasks=3):
    drawn = draw_uniform(images.rows_by_class, SHAPE, tasks, np.random.default_rng(0))
    return [images.images[torch.from_numpy(rows)] for rows in (drawn.support, drawn.query)]


def learner_of(tiny, name, device=CPU):
    """A learner whose Φ1 and Φ2 do not have their initial values."""
    learner = build(tiny, name, device, batch_norm="episode")
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter, value in learner.named_parameters():
            if parameter.endswith((".scale", ".shift")):
                value.add_(0.3 * torch.randn(value.shape, generator=generator))
    return learner


def slow_embed(learner, images):
    """(T, N, 3, H, W) images: each task's N are a batch of their own."""

    return torch.func.vmap(learner.backbone)(images.to(torch.get_default_dtype()) / 255)


def slow_embed_sets(learner, support, query, groups=None):
    parts = query.split(groups or [query.shape[1]], dim=1)
    return slow_embed(learner, support), torch.cat([slow_embed(learner, part) for part in parts], dim=1)


def fast_embed_sets(learner, support, query):
    return learner.embed_sets(support, query)


def gradients(learner, embed_sets, sets, part):
    """Embedded sets, loss and gradients, which flow through one or both of the sets."""
    learner.zero_grad()
    support, query = embed_sets(learner, *sets)
    reached = {
        "support": (support, query.detach()), "query": (support.detach(), query), "both": (support, query),
    }[part]  # fmt: skip
    loss, _ = learner.loss(reached[0], SUPPORT, reached[1], TARGETS)
    loss.backward()
    # One of them leaves out the biases that its statistics cancel.
    found = (torch.zeros_like(value) if value.grad is None else value.grad for value in learner.learned().values())
    return support, query, loss, *(value.clone() for value in found)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("part", ["support", "query", "both"])
@pytest.mark.parametrize("name", ["ft-head", "ft-last", "ft-all", "ss-last", "ss-all"])
def test_gradients_are_those_of_one_set_after_another(tiny, train_images, name, part):
    learner, sets = learner_of(tiny, name).double(), sets_of(train_images)
    fast, slow = (gradients(learner, embed, sets, part) for embed in (fast_embed_sets, slow_embed_sets))
    for ours, theirs in zip(fast, slow, strict=True):
        assert (ours - theirs).abs().max() < 1e-10


@pytest.mark.usefixtures("float64")
def test_a_meta_update_is_that_of_one_set_after_another(tiny, train_images):
    tasks = draw_uniform(train_images.rows_by_class, SHAPE, 2, np.random.default_rng(0))
    found = []
    for slow in (False, True):
        learner = learner_of(tiny, "ft-all").double()
        if slow:
            learner.embed_sets = functools.partial(slow_embed_sets, learner)
        step = MetaStep(learner, SHAPE, CPU.torch_device)
        found.append([step(train_images.images, tasks, 1e-2)[0].item() for _ in range(3)])
    assert found[0] == pytest.approx(found[1], rel=1e-8)
    assert found[0][2] < found[0][0]


@pytest.mark.usefixtures("float64")
def test_no_set_depends_on_another(tiny, train_images):
    learner, (support, query) = learner_of(tiny, "ss-all").double(), sets_of(train_images)
    before = learner.embed_sets(support, query)
    others = query.clone()
    others[1] = 255 - others[1]
    after = learner.embed_sets(support, others)
    assert (before[0] - after[0]).abs().max() < 1e-12
    assert (before[1][[0, 2]] - after[1][[0, 2]]).abs().max() < 1e-12
    assert (before[1][1] - after[1][1]).abs().max() > 1e-3


def test_stored_episodes_have_the_accuracies_of_one_set_after_another(tiny, test_images, test_episodes):
    found = []
    for slow in (False, True):
        learner = learner_of(tiny, "ss-all")
        if slow:
            learner.embed_sets = functools.partial(slow_embed_sets, learner)
        found.append(score(learner, embed_episodes(learner, test_images.images, test_episodes), test_episodes))
    assert found[0].tolist() == pytest.approx(found[1].tolist())


def slow_grouped(learner, images, episodes, together):
    """Embeds every group in a call of its own, and puts each feature where its image is."""
    way, per_class = 5, episodes.query.shape[1] // 5
    features = torch.empty(len(episodes.query), way * per_class, learner.theta_weight.shape[1])
    for task, query in enumerate(episodes.query):
        for first in range(0, per_class, together):
            group = [c * per_class + k for c in range(way) for k in range(first, min(first + together, per_class))]
            features[task, group] = learner.embed(images[query[group]][None])[0]
    return features


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("together", [1, 2, 3])
@pytest.mark.parametrize("name", ["ss-all", "ft-last", "linear"])
@torch.no_grad()
def test_queries_in_groups_are_those_of_a_call_for_each_group(tiny, test_images, test_episodes, name, together):
    """Of 3 queries per class, groups of 2 leave a smaller one. Supports are those of all queries together."""
    learner = learner_of(tiny, name).double()
    chosen = torch.arange(len(test_episodes.query))
    whole, grouped = (
        embed_episodes(learner, test_images.images, test_episodes, count)(chosen) for count in (None, together)
    )
    slow = slow_grouped(learner, test_images.images, test_episodes, together)
    assert (grouped[1] - slow).abs().max() < 1e-10
    assert torch.allclose(grouped[0], whole[0], atol=1e-10)
    assert torch.equal(grouped[1], whole[1]) == (together == 3)


@torch.no_grad()
def test_a_learner_with_nothing_but_embed_embeds_groups_too(tiny, test_images, test_episodes):
    learner = learner_of(tiny, "ss-all")
    ours = embed_episodes(learner, test_images.images, test_episodes, 1)(torch.arange(12))
    learner.embed_sets = functools.partial(Learner.embed_sets, learner)
    plain = embed_episodes(learner, test_images.images, test_episodes, 1)(torch.arange(12))
    for one, other in zip(ours, plain, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@torch.no_grad()
def test_groups_mean_nothing_under_running_statistics(tiny, test_images, test_episodes):
    learner = build(tiny, "ss-all")
    whole, grouped = (
        embed_episodes(learner, test_images.images, test_episodes, together)(torch.arange(12)) for together in (None, 1)
    )
    assert all(torch.equal(one, other) for one, other in zip(whole, grouped, strict=True))


def test_bfloat16_is_used_and_near_float32(tiny, train_images):
    """Autocast does not reach into `vmap`, under which convolutions of a bfloat16 device would stay in float32."""
    device = Device(torch.device("cpu"), torch.bfloat16)
    ours, exact = (learner_of(tiny, "ss-all", one).embed_sets(*sets_of(train_images)) for one in (device, CPU))
    for half, whole in zip(ours, exact, strict=True):
        assert half.dtype == torch.float32
        assert 1e-4 < (half - whole).norm() / whole.norm() < 0.05
