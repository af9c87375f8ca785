"""What is counted beside what torch allocates, for every learner, small and large."""

import dataclasses

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException

from mtl.data.tasks import TaskShape
from mtl.evaluation.scoring import bytes_of_episode
from mtl.learners.build import build_learner
from mtl.learners.labels import labels_on, one_hot, way_of
from mtl.runtime import memory
from mtl.runtime.byte_count import bytes_of, count_bytes
from mtl.runtime.device import Device
from mtl.runtime.memory import Parts
from mtl.specs.networks import Network
from mtl.training.meta_step import bytes_of_task
from tests.helpers.learners import ALL_METHODS, CPU, inner_loop, method

CPU_DEVICE = torch.device("cpu")
# Which tasks follow changes nothing.
LEARNERS = [name for name in ALL_METHODS if method(name).meta_batch in ("none", "plain")]
META_TRAINED = [name for name in LEARNERS if method(name).meta_trained]
# Fewer channels would be padded by the library of the convolutions.
SIZES = {"small": (16, 16, TaskShape(5, 1, 15)), "large": (48, 12, TaskShape(5, 5, 15))}


def measured(work):
    """The most bytes that torch had allocated at one time, beside those from before."""
    with torch.autograd.profiler.profile(profile_memory=True) as profile:
        work()
    events = sorted(profile.kineto_results.events(), key=lambda event: event.start_ns())
    now = peak = 0
    for event in events:
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    return peak


def a_learner(name, size, device=CPU):
    pixels, width, shape = SIZES[size]
    row = method(name) if isinstance(name, str) else name
    network = Network(name="resnet12" if row.pretrained else "conv4", width=width, image_size=pixels)
    learner = build_learner(row, network, "episode", None, 5, inner_loop(steps=3), 0, device)
    counts = (shape.shot, shape.query)
    sets = (torch.randint(256, (1, 5 * count, 3, pixels, pixels), dtype=torch.uint8) for count in counts)
    support, query = (learner.bank(images.flatten(0, 1)).unflatten(0, images.shape[:2]) for images in sets)
    return learner, shape, support, query


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", META_TRAINED)
def test_the_gradient_of_a_task(name, size):
    learner, shape, support, query = a_learner(name, size)
    labels, targets = (labels_on(CPU_DEVICE, 5, count) for count in (shape.shot, shape.query))

    def gradient():
        embedded = learner.embed_sets(support, query)
        learner.loss(embedded[0], labels, embedded[1], targets)[0].backward()

    gradient()
    learner.zero_grad()
    assert bytes_of_task(learner, shape, support, query) == pytest.approx(measured(gradient), rel=0.3)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_answers_to_an_episode(name):
    learner, _, support, query = a_learner(name, "large")
    if learner.source_images:
        learner.see_source(support.flatten(0, 1))
    labels = labels_on(CPU_DEVICE, 5, support.shape[1] // 5)

    with torch.no_grad():
        support, query = learner.embed_sets(support, query)
        learner.predict(support, labels, query)
        peak = measured(lambda: learner.predict(support, labels, query))
    # An operation may need more while it computes, and without values some are counted as several: little things.
    assert bytes_of_episode(learner, 5, support, query) == pytest.approx(peak, rel=0.3, abs=1e5)


def test_in_bfloat16():
    """Half as much for what the convolutions leave for the backward pass."""
    counted = []
    for device in (CPU, Device(CPU_DEVICE, torch.bfloat16)):
        learner, shape, support, query = a_learner("ss-all", "large", device)
        counted.append(bytes_of_task(learner, shape, support, query))
    assert counted[1] == pytest.approx(counted[0] / 2, rel=0.2)


def test_a_count_leaves_no_trace():
    learner, shape, support, query = a_learner("ss-all", "small")
    bytes_of_task(learner, shape, support, query)
    assert all(value.grad is None for value in learner.parameters())
    assert type(learner.learned().popitem()[1].data) is torch.Tensor


@pytest.fixture
def six_gigabytes(monkeypatch):
    monkeypatch.setattr(memory, "room", lambda device: 6_000_000_000)


@pytest.mark.usefixtures("six_gigabytes")
def test_episodes_of_fine_tuning_at_the_size_of_the_paper_in_parts_that_fit(capsys):
    """FC100 at 10 shots: 16 networks at once would take more than 50 GB."""
    network = Network(name="resnet12", width=64, image_size=84)
    learner = build_learner(method("update-all"), network, "episode", None, 5, inner_loop(), 0, CPU)
    images = torch.empty(1, 1, 3, 84, 84, dtype=torch.uint8)
    each = bytes_of_episode(learner, 5, images.expand(1, 50, 3, 84, 84), images.expand(1, 50, 3, 84, 84))
    assert 3e9 < each < 4e9
    parts = Parts.that_fit(learner.episodes_at_once, "episodes", each, CPU_DEVICE)
    assert [part.stop - part.start for part in parts.of(3, lambda part: part)] == [1, 1, 1]
    assert capsys.readouterr().err == f"note: memory for 1 episodes at once, of {each / 1e9:.2f} GB each\n"


class Curious(torch.nn.Linear):
    def forward(self, x):
        return super().forward(x) if x.sum().item() < 10 else x


def test_work_that_looks_at_values_is_not_counted():
    curious = Curious(1, 1)
    assert bytes_of(curious, lambda module, x: module(x), torch.ones(1, 1)) == 0
    with pytest.raises(DataDependentOutputException):
        count_bytes(curious, lambda module, x: module(x), torch.ones(1, 1))


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_no_distance_of_matching_networks_looks_at_values(distance):
    row = dataclasses.replace(method("matching-nets"), options={"distance": distance})
    learner, shape, support, query = a_learner(row, "small")
    assert bytes_of_task(learner, shape, support, query) > 0


@pytest.mark.parametrize("name", LEARNERS)
def test_no_learner_looks_at_values(name):
    """With which it would wait for a GPU."""
    learner, shape, support, query = a_learner(name, "small")
    if learner.source_images:
        learner.see_source(support.flatten(0, 1))
    with torch.no_grad():
        embedded = learner.embed_sets(support, query)
    assert bytes_of_episode(learner, 5, *embedded) > 0
    assert name not in META_TRAINED or bytes_of_task(learner, shape, support, query) > 0


def test_labels_are_known_without_a_look():
    assert way_of(labels_on(CPU_DEVICE, 4, 2)) == 4
    assert way_of(torch.tensor([0, 2, 1])) == 3
    indices = torch.tensor([[2, 0], [1, 1]])
    assert torch.equal(one_hot(indices, 3).long(), torch.nn.functional.one_hot(indices, 3))
