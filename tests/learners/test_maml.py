"""MAML: a batch of tasks must give the same results as one task after another, including derivatives."""

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mtl.data.tasks import TaskShape, draw_uniform, labels
from mtl.learners import maml
from mtl.networks.batch_norm import EPSILON
from mtl.training.meta_step import MetaStep
from tests.helpers.learners import CPU, backbone, build, inner_loop

STEPS, RATE, SHAPE = 3, 0.1, TaskShape(5, 2, 3)
SUPPORT, TARGETS = (torch.from_numpy(labels(5, count)) for count in (2, 3))
pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture
def sets(train_images):
    tasks = draw_uniform(train_images.rows_by_class, SHAPE, 3, np.random.default_rng(0))
    return [train_images.images[torch.from_numpy(rows)] for rows in (tasks.support, tasks.query)]


def learner_of(tiny, name, network=None):
    """A learner whose batch norm does not have its initial scale and offset."""
    learner = build(tiny, name, base_learner=inner_loop(RATE, STEPS), network=network).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter, value in learner.named_parameters():
            if parameter.endswith(("gamma", "beta")):
                value.add_(0.3 * torch.randn(value.shape, generator=generator))
    return learner


def slow_batch_norm(x, norm):
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
    return (x - mean) / torch.sqrt(variance + EPSILON) * norm["gamma"][:, None, None] + norm["beta"][:, None, None]


def slow_network(values, images):
    """4CONV written out, for one set of one task."""
    x = images.double() / 255
    for block in range(4):
        name = f"backbone.blocks.{block}"
        x = F.conv2d(x, values[f"{name}.convs.0.weight"], values[f"{name}.convs.0.bias"], padding=1)
        x = slow_batch_norm(x, {key: values[f"{name}.norms.0.{key}"] for key in ("gamma", "beta")})
        x = F.max_pool2d(F.relu(x), 2)
    return x.flatten(1) @ values["theta_weight"].T + values["theta_bias"]


def slow_loss(initial, support, query, second_order=True):
    """The outer loss, one task after another, with plain autograd."""
    losses = []
    for images, others in zip(support, query, strict=True):
        values = dict(initial)
        for _ in range(STEPS):
            loss = F.cross_entropy(slow_network(values, images), SUPPORT)
            gradients = torch.autograd.grad(loss, list(values.values()), create_graph=second_order)
            values = {name: value - RATE * g for (name, value), g in zip(values.items(), gradients, strict=True)}
        losses.append(F.cross_entropy(slow_network(values, others), TARGETS))
    return torch.stack(losses).mean()


def batched_gradients(learner, support, query):
    loss, _ = learner.loss(support, SUPPORT, query, TARGETS)
    loss.backward()
    return loss.item(), {name: value.grad.clone() for name, value in learner.named_parameters()}


@pytest.mark.parametrize(("name", "second_order"), [("maml", True), ("fomaml", False)])
def test_the_meta_gradient_equals_a_loop_over_tasks(tiny, sets, name, second_order):
    learner = learner_of(tiny, name)
    loss, gradients = batched_gradients(learner, *sets)
    initial = {name: value.detach().clone().requires_grad_() for name, value in learner.named_parameters()}
    slow = slow_loss(initial, *sets, second_order)
    slow.backward()
    assert loss == pytest.approx(slow.item(), rel=1e-12)
    for parameter, value in initial.items():
        assert (gradients[parameter] - value.grad).abs().max() < 1e-10, parameter


def test_tasks_in_small_batches_give_the_same(tiny, network, sets, monkeypatch):
    loss, gradients = batched_gradients(learner_of(tiny, "maml", network), *sets)
    monkeypatch.setattr(maml, "PIXELS_AT_ONCE", 1)
    again, others = batched_gradients(learner_of(tiny, "maml", network), *sets)
    assert loss == pytest.approx(again, rel=1e-12)
    assert all((gradients[parameter] - others[parameter]).abs().max() < 1e-12 for parameter in gradients)


def test_the_meta_gradient_equals_finite_differences(tiny, network, sets):
    learner = learner_of(tiny, "maml", network)
    _, gradients = batched_gradients(learner, *sets)
    step = 1e-6
    for parameter, value in learner.named_parameters():
        index = np.unravel_index(int(gradients[parameter].abs().argmax()), value.shape)
        losses = []
        for sign in (1, -1):
            value.data[index] += sign * step
            with torch.no_grad():
                losses.append(learner.loss(sets[0], SUPPORT, sets[1], TARGETS)[0].item())
            value.data[index] -= sign * step
        measured = (losses[0] - losses[1]) / (2 * step)
        assert gradients[parameter][index].item() == pytest.approx(measured, rel=1e-4, abs=1e-7), parameter


def test_first_order_leaves_the_second_derivatives_out(tiny, network, sets):
    second, first = (batched_gradients(learner_of(tiny, name, network), *sets)[1] for name in ("maml", "fomaml"))
    assert any((second[name] - first[name]).abs().max() > 1e-4 for name in second)


def test_maml_learns(tiny, network, train_images):
    learner = build(tiny, "maml", base_learner=inner_loop(RATE, STEPS), network=network).double()
    step, rng = MetaStep(learner, SHAPE, CPU.torch_device), np.random.default_rng(0)
    tasks = draw_uniform(train_images.rows_by_class, SHAPE, 4, rng)
    losses = [step(train_images.images, tasks, 1e-2)[0].item() for _ in range(12)]
    assert losses[-1] < 0.85 * losses[0]


@pytest.mark.parametrize("name", ["resnet12", "conv4"])
def test_episode_statistics_of_a_batch_of_tasks_equal_one_task_after_another(tiny, sets, name):
    torch.manual_seed(0)
    network = backbone(name, 2).eval()
    network.set_batch_norm("episode")
    images = sets[1].double() / 255
    batched = torch.func.vmap(network)(images)
    for task, one in zip(batched, images, strict=True):
        assert (task - network(one)).abs().max() < 1e-10


@pytest.mark.parametrize("name", ["ft-head", "ft-last", "ss-all"])
def test_episode_statistics_are_those_of_each_set_of_each_task(tiny, sets, name):
    """The learner, T tasks at a time, against torch's own batch norm on one set of one task."""
    learner = build(tiny, name, batch_norm="episode").double()
    support, query = learner.embed_sets(*(learner.bank(images) for images in sets))
    backbone = copy.deepcopy(learner.backbone)
    backbone.set_batch_norm("running")
    for norm in (module for module in backbone.modules() if hasattr(module, "variance")):
        norm.train()
    for embedded, images in ((support, sets[0]), (query, sets[1])):
        for task, one in zip(embedded, images, strict=True):
            assert (task - backbone(one.double() / 255)).abs().max() < 1e-10


@pytest.mark.parametrize(("batch_norm", "matters"), [("running", True), ("episode", False)])
def test_a_shift_before_batch_norm_is_without_effect_under_episode_statistics(tiny, sets, batch_norm, matters):
    """Φ2 is added to a bias, and batch norm subtracts the mean of the set: in the authors' code it does nothing."""
    learner = build(tiny, "ss-all", batch_norm=batch_norm).double()
    before = learner.predict(*_episode(learner, sets))
    with torch.no_grad():
        for parameter, value in learner.named_parameters():
            if parameter.endswith(".shift"):
                value.add_(0.5)
    after = learner.predict(*_episode(learner, sets))
    assert ((after - before).abs().max().item() > 1e-3) is matters
    assert matters or torch.allclose(after, before, atol=1e-10)


def _episode(learner, sets):
    support, query = learner.embed_sets(*sets)
    return support, SUPPORT, query
