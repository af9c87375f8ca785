import copy
import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from mtl.data.tasks import TaskShape, draw_uniform, labels
from mtl.evaluation.scoring import bank, embed_episodes, score
from mtl.learners import build_learner, load_learned
from mtl.networks.weights import save_tensors
from mtl.runtime.device import Device
from mtl.training.meta_step import MetaStep
from tests.helpers.learners import ALL_METHODS, BASE_LEARNER, CPU, NETWORK, build, method, theta_of

SHAPE = TaskShape(5, 1, 3)


def accuracies_of(learner, images, episodes):
    return score(learner, embed_episodes(learner, bank(learner, images.images), episodes), episodes)


def train(learner, train_images, steps=3):
    rng = np.random.default_rng(0)
    step, banked = MetaStep(learner, SHAPE, CPU.torch_device), bank(learner, train_images.images)
    return [step(banked, draw_uniform(train_images.rows_by_class, SHAPE, 2, rng), 1e-2)[0].item() for _ in range(steps)]


@pytest.mark.parametrize("name", ALL_METHODS)
def test_every_method_scores_episodes(tiny, network, train_images, test_images, test_episodes, name):
    learner = build(tiny, name, network=network)
    if learner.source_images:
        learner.see_source(bank(learner, train_images.images))
    accuracies = accuracies_of(learner, test_images, test_episodes)
    assert accuracies.shape == (12,)
    assert ((accuracies >= 0) & (accuracies <= 100)).all()


def trained_and_frozen(tiny, network, train_images, name):
    learner = build(tiny, name, network=network)
    before = {key: value.clone() for key, value in learner.state_dict().items()}
    train(learner, train_images)
    after = learner.state_dict()
    return {key for key in before if not torch.equal(before[key], after[key])}, set(before)


@pytest.mark.parametrize("name", [n for n in ALL_METHODS if method(n).modulate == "ss"])
def test_every_byte_of_theta_is_unchanged_by_scale_and_shift(tiny, network, train_images, name):
    changed, everything = trained_and_frozen(tiny, network, train_images, name)
    assert changed == {key for key in everything if key.endswith((".scale", ".shift")) or key.startswith("theta_")}


@pytest.mark.parametrize("statistics", ["running", "episode"])
def test_other_scales_and_shifts_are_learned_and_loaded(tiny, network, train_images, tmp_path, statistics):
    """Φ1 by filter and Φ2 after batch norm: Θ keeps its bytes, and what is stored makes the same learner."""
    row = dataclasses.replace(method("ss-all"), scale="filter", shift="after")
    network = network or NETWORK

    def made():
        return build_learner(row, network, statistics, theta_of(tiny, network), 5, BASE_LEARNER, 0, CPU)

    learner, theta = made(), load_file(theta_of(tiny, network))
    train(learner, train_images)
    state = learner.state_dict()
    for key, value in theta.items():
        module, _, tensor = f"backbone.{key}".rpartition(".")
        names = {f"{module}.{tensor}", f"{module}.parametrizations.{tensor}.original"}
        assert [torch.equal(state[name], value) for name in names & state.keys()] == [True]
    initial = made().learned()
    moved = {key for key, value in learner.learned().items() if not torch.equal(value, initial[key])}
    assert moved == set(initial)
    save_tensors(learner.learned(), tmp_path / "model.safetensors")
    loaded = made()
    load_learned(loaded, tmp_path / "model.safetensors")
    assert torch.equal(loaded.embed(train_images.images[None, :9]), learner.embed(train_images.images[None, :9]))


def test_only_block_4_moves_for_ft_last(tiny, network, train_images):
    changed, everything = trained_and_frozen(tiny, network, train_images, "ft-last")
    block_4 = {key for key in everything if key.startswith("backbone.blocks.3.") and ".norms." not in key}
    assert changed == block_4 | {"theta_weight", "theta_bias"}


def test_all_weights_move_for_ft_all_but_no_statistics(tiny, network, train_images):
    changed, everything = trained_and_frozen(tiny, network, train_images, "ft-all")
    assert changed == {key for key in everything if ".norms." not in key}


def test_only_the_classifier_moves_for_ft_head(tiny, network, train_images):
    changed, _ = trained_and_frozen(tiny, network, train_images, "ft-head")
    assert changed == {"theta_weight", "theta_bias"}


@pytest.mark.parametrize("name", ["update-all", "update-head", "linear"])
def test_nothing_is_learned_without_meta_training(tiny, network, name):
    assert build(tiny, name, network=network).learned() == {}


def test_initial_theta(tiny, network):
    assert torch.equal(
        build(tiny, "update-head", network=network).theta_weight, build(tiny, "ss-all", network=network).theta_weight
    )
    assert not build(tiny, "linear", network=network).theta_weight.any()


@pytest.mark.parametrize("name", ["ft-head", "ft-last", "ss-last"])
def test_a_bank_changes_nothing(tiny, network, train_images, name):
    """Running the frozen blocks once gives the same losses as running them every time."""
    banked = train(build(tiny, name, network=network), train_images)
    learner = build(tiny, name, network=network)
    first, learner.bank = learner.bank, lambda images: images
    embed = learner.embed
    learner.embed = lambda images, sets: embed(first(images.flatten(0, 1)).unflatten(0, images.shape[:2]), sets)
    assert train(learner, train_images) == pytest.approx(banked, abs=1e-4)


@pytest.mark.parametrize("part", ["support", "query"])
def test_gradients_reach_phi_through_support_and_query(tiny, network, train_images, part):
    learner = build(tiny, "ss-all", network=network)
    tasks = draw_uniform(train_images.rows_by_class, SHAPE, 2, np.random.default_rng(0))
    support, query = (learner.embed(train_images.images[torch.from_numpy(x)]) for x in (tasks.support, tasks.query))
    support, query = (support, query.detach()) if part == "support" else (support.detach(), query)
    loss, _ = learner.loss(support, torch.from_numpy(labels(5, 1)), query, torch.from_numpy(labels(5, 3)))
    loss.backward()
    scales = [value.grad for name, value in learner.learned().items() if name.endswith(".scale")]
    assert all(gradient.abs().max() > 0 for gradient in scales)


FIRST_ORDER = dataclasses.replace(BASE_LEARNER, first_order=True)


@pytest.mark.parametrize("name", ["ss-all", "ft-last"])
def test_a_first_order_gradient_reaches_phi_through_the_query_alone(tiny, network, train_images, name):
    """So that of Φ is the one of second order with a support set that is constant."""
    gradients = []
    for base_learner in (FIRST_ORDER, BASE_LEARNER):
        learner = build(tiny, name, base_learner=base_learner, network=network)
        tasks = draw_uniform(train_images.rows_by_class, SHAPE, 2, np.random.default_rng(0))
        banked = bank(learner, train_images.images)
        support, query = learner.embed_sets(*(banked[torch.from_numpy(x)] for x in (tasks.support, tasks.query)))
        support = support if base_learner.first_order else support.detach()
        loss, _ = learner.loss(support, torch.arange(5), query, torch.from_numpy(labels(5, 3)))
        loss.backward()
        gradients.append({key: value.grad for key, value in learner.learned().items() if key.startswith("backbone")})
    assert gradients[0]
    for key, ours in gradients[0].items():
        assert torch.allclose(ours, gradients[1][key], atol=1e-6)


def test_maml_of_first_order_is_fomaml(tiny, network, train_images):
    first, fomaml, second = (
        train(build(tiny, name, base_learner=inner, network=network), train_images)
        for name, inner in (("maml", FIRST_ORDER), ("fomaml", BASE_LEARNER), ("maml", BASE_LEARNER))
    )
    assert first == fomaml != second


def test_update_all_equals_a_loop_of_plain_gradient_descent(tiny, network, test_images, test_episodes):
    learner = build(tiny, "update-all", network=network).double()
    torch.set_default_dtype(torch.float64)
    try:
        episode = slice(0, 3)
        support = test_images.images[torch.from_numpy(test_episodes.support[episode])]
        query = test_images.images[torch.from_numpy(test_episodes.query[episode])]
        targets = torch.from_numpy(labels(5, 1))
        batched = learner.predict(support, targets, query)
        for task in range(3):
            network = copy.deepcopy(learner).requires_grad_(True)
            optimizer = torch.optim.SGD(network.parameters(), lr=BASE_LEARNER.rate.learning_rate)
            for _ in range(BASE_LEARNER.steps):
                optimizer.zero_grad()
                F.cross_entropy(network(support[task]), targets).backward()
                optimizer.step()
            assert (network(query[task]) - batched[task]).abs().max() < 1e-10
    finally:
        torch.set_default_dtype(torch.float32)


def test_bfloat16_convolutions_keep_the_head_in_float32(tiny, network, train_images, test_images, test_episodes):
    device = Device(torch.device("cpu"), torch.bfloat16)
    learner = build(tiny, "ss-all", device, network=network)
    exact = build(tiny, "ss-all", network=network)
    ours, theirs = (x.embed(test_images.images[None, :20]) for x in (learner, exact))
    assert ours.dtype == torch.float32
    assert not torch.equal(ours, theirs)
    assert torch.allclose(ours, theirs, atol=0.05 * theirs.abs().max().item())
    assert all(np.isfinite(train(learner, train_images)))


def test_default_loss_is_the_mean_cross_entropy_of_the_queries(tiny, network, train_images):
    learner = build(tiny, "ss-all", network=network)
    tasks = draw_uniform(train_images.rows_by_class, SHAPE, 2, np.random.default_rng(0))
    support, query = (learner.embed(train_images.images[torch.from_numpy(x)]) for x in (tasks.support, tasks.query))
    targets = torch.from_numpy(labels(5, 3))
    loss, logits = learner.loss(support, torch.from_numpy(labels(5, 1)), query, targets)
    by_task = torch.stack([F.cross_entropy(task, targets) for task in logits])
    assert torch.allclose(loss, by_task.mean())


@pytest.mark.parametrize(("start", "same"), [("random", "update-head"), ("zero", "linear")])
def test_meta_learning_starts_from_the_row_without_it(tiny, network, test_images, test_episodes, start, same):
    learners = [build(tiny, "ss-all", theta_start=start, network=network), build(tiny, same, network=network)]
    ours, theirs = (accuracies_of(one, test_images, test_episodes) for one in learners)
    assert np.array_equal(ours, theirs)
