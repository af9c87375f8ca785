"""What all learners that transfer without meta-training have in common."""

import numpy as np
import pytest
import torch

from mtl.runtime.device import Device
from tests.helpers.learners import CPU
from tests.learners.transfer import learner_of, logits_of, sets_of

NAMES = ["nearest-centroid", "nearest-centroid-cl2n", "baseline-pp", "update-last", "feature-drift", "mmd"]
STATISTICS = ["running", "episode"]


@pytest.fixture
def source(train_images):
    return train_images.images[::7]


def set_theta(learner, rows):
    """Gives the classes the rows of θ of others."""
    for name, value in learner.named_parameters():
        if name.startswith("theta_"):
            value.data = value.data[rows]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("name", NAMES)
def test_tasks_together_are_one_after_another(tiny, network, source, test_images, name, statistics):
    learner, sets = learner_of(tiny, name, statistics, source, network=network), sets_of(test_images)
    together = logits_of(learner, *sets)
    for task in range(3):
        alone = logits_of(learner, *(images[task : task + 1] for images in sets))
        assert (alone[0] - together[task]).abs().max() < 1e-10


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("name", NAMES)
def test_classes_in_another_order_have_their_logits_in_that_order(tiny, network, source, test_images, name, statistics):
    learner, (support, query) = learner_of(tiny, name, statistics, source, network=network), sets_of(test_images)
    before, order = logits_of(learner, support, query), [2, 0, 4, 1, 3]
    set_theta(learner, order)
    after = logits_of(learner, support.unflatten(1, (5, 2))[:, order].flatten(1, 2), query)
    assert (after - before[..., order]).abs().max() < 1e-10


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", NAMES)
def test_other_queries_matter_for_mmd_alone(tiny, network, source, test_images, name):
    learner, (support, query) = learner_of(tiny, name, source=source, network=network), sets_of(test_images)
    moved = logits_of(learner, support, query)[:, :4] - logits_of(learner, support, query[:, :4])
    assert (moved.abs().max().item() > 1e-6) is (name == "mmd")


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("name", NAMES)
def test_images_that_are_all_the_same_give_equal_scores(tiny, network, source, test_images, name, statistics):
    """From a θ that treats classes alike."""
    learner, sets = learner_of(tiny, name, statistics, source, network=network), sets_of(test_images)
    set_theta(learner, [0] * 5)
    logits = logits_of(learner, *(test_images.images[:1].expand_as(images) for images in sets))
    assert logits.isfinite().all()
    assert logits.max() - logits.min() < 1e-10


def coloured(rng, tasks, per_class):
    """(T, 5 * per_class, 3, 16, 16) grey images, ordered by class, whose classes have colours in their left half."""
    colours = np.array([[220, 30, 30], [30, 220, 30], [30, 30, 220], [220, 220, 30], [30, 220, 220]])
    pixels = rng.normal(0, 15, (tasks, 5 * per_class, 3, 16, 16)) + 125
    pixels[..., :8] += colours.repeat(per_class, axis=0)[:, :, None, None] - 125
    return torch.from_numpy(pixels.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("name", NAMES)
def test_shuffled_labels_leave_chance(tiny, network, source, rng, name):
    # Features of random networks point the same way, so a cosine classifier needs many steps to tell them apart.
    steps = 400 if name == "baseline-pp" else 40
    learner = learner_of(tiny, name, source=source, steps=steps, rate=0.15, network=network)
    support, query = coloured(rng, 6, 3), coloured(rng, 6, 3)
    shuffled = torch.stack([images[torch.from_numpy(rng.permutation(15))] for images in support])
    right = torch.arange(5).repeat_interleave(3)
    learned, chance = (
        (logits_of(learner, images, query).argmax(dim=2) == right).double().mean() for images in (support, shuffled)
    )
    assert learned > 0.5
    assert 0.05 < chance < 0.35


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_convolutions_stay_near_float32(tiny, network, source, test_images, name, statistics):
    """After small steps: under `episode` statistics, gradients of so small a network are far from those in float32."""
    sets = sets_of(test_images)
    half = Device(torch.device("cpu"), torch.bfloat16)
    ours, exact = (
        logits_of(learner_of(tiny, name, statistics, source, rate=1e-4, device=device, network=network), *sets)
        for device in (half, CPU)
    )
    assert ours.dtype == torch.float32
    assert (ours - exact).norm() < 0.05 * exact.norm()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_meta_learned(tiny, network, name):
    assert learner_of(tiny, name, network=network).learned() == {}
