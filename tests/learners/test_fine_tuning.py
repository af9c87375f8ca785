import pytest
import torch

from mtl.learners import maml
from mtl.learners.fine_tuning import drift
from tests.learners.transfer import RATE, learner_of, logits_of, sets_of, slow_fine_tuning

STATISTICS = ["running", "episode"]
pytestmark = pytest.mark.usefixtures("float64")


def test_an_example_of_drift_computed_by_hand():
    before, after = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.5, 0.0], [0.0, 1.0]])
    assert drift(after, before).item() == 0.15625


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize(("adapted", "blocks"), [("all", 4), ("last", 1)])
@pytest.mark.parametrize("weight", [0.0, 3.0])
def test_equals_a_loop_of_plain_gradient_descent(tiny, test_images, adapted, blocks, statistics, weight):
    learner, sets = learner_of(tiny, "update-last", statistics, adapted=adapted, drift=weight), sets_of(test_images)
    for support, query, ours in zip(*sets, logits_of(learner, *sets), strict=True):
        before = learner.backbone(support.double() / 255)
        slow = slow_fine_tuning(
            learner,
            support,
            query,
            blocks,
            weight,
            lambda _, after, f=before: ((after - f) ** 2).sum() / (2 * f.numel()),
            rate=RATE / (1 + weight),
        )
        assert (ours - slow).abs().max() < 1e-10


@pytest.mark.parametrize("statistics", STATISTICS)
def test_without_drift_it_is_update_all(tiny, test_images, statistics):
    sets = sets_of(test_images)
    ours, other, held = (
        logits_of(learner_of(tiny, name, statistics, **options), *sets)
        for name, options in [("feature-drift", {"drift": 0.0}), ("update-all", {}), ("feature-drift", {"drift": 1.0})]
    )
    assert torch.equal(ours, other)
    assert not torch.allclose(held, other, atol=1e-4)


@pytest.mark.parametrize("statistics", STATISTICS)
def test_with_no_room_to_drift_it_is_update_head(tiny, test_images, statistics):
    sets = sets_of(test_images)
    held, head, free = (
        logits_of(learner_of(tiny, name, statistics, **options), *sets)
        for name, options in [("feature-drift", {"drift": 1e9}), ("update-head", {}), ("feature-drift", {"drift": 1.0})]
    )
    assert torch.allclose(held, head, atol=1e-7)
    assert not torch.allclose(free, head, atol=1e-4)


def test_frozen_blocks_run_once_for_each_image(tiny, test_images):
    learner, images = learner_of(tiny, "update-last"), test_images.images[:6]
    banked = learner.bank(images)
    assert banked.shape == (6, 8, 2, 2)
    assert torch.allclose(learner(banked), learner.backbone(images.double() / 255))


def test_tasks_in_small_batches_give_the_same(tiny, test_images, monkeypatch):
    learner, sets = learner_of(tiny, "feature-drift"), sets_of(test_images)
    together = logits_of(learner, *sets)
    monkeypatch.setattr(maml, "PIXELS_AT_ONCE", 1)
    assert torch.allclose(logits_of(learner, *sets), together, atol=1e-12)
