import math

import numpy as np
import pytest
import torch
from torch import nn

from mtl.data.tasks import Tasks, with_mirrored_support
from mtl.evaluation.interval import mean_and_ci95
from mtl.evaluation.scoring import accuracies, embed_episodes, episode_predictions, gathered, in_batches, score
from mtl.learners.nearest_mean import nearest_mean
from mtl.runtime.memory import Parts
from tests.helpers.learners import build


def test_mean_and_interval_by_hand():
    mean, ci95 = mean_and_ci95(np.array([40.0, 60.0, 50.0, 70.0]))
    assert mean == 55
    # deviations -15, 5, -5, 15: s² = 500 / 3
    assert ci95 == pytest.approx(1.96 * math.sqrt(500 / 3) / 2)


def test_accuracy_of_an_episode_by_hand():
    """Features are one-hot classes, except one query of the second episode: 3 of 4 right."""
    features = torch.eye(2)[[0, 1, 0, 1, 0, 1]]
    features[5] = torch.tensor([1.0, 0.0])
    episodes = Tasks(
        classes=np.array([[0, 1], [0, 1]]),
        support=np.array([[0, 1], [0, 1]]),
        query=np.array([[0, 2, 1, 3], [0, 2, 3, 5]]),
    )
    for at_once in (1, 10):
        parts = Parts(at_once, "episodes")
        predicted = episode_predictions(nearest_mean, gathered(features, episodes), episodes, parts)
        assert predicted.tolist() == [[0, 0, 1, 1], [0, 0, 1, 0]]
    assert accuracies(predicted, way=2).tolist() == [100.0, 75.0]


def test_nearest_mean_is_the_squared_distance():
    support, query = torch.randn(2, 6, 4), torch.randn(2, 3, 4)
    logits = nearest_mean(support, torch.tensor([0, 0, 1, 1, 2, 2]), query)
    means = torch.stack([support[:, :2].mean(1), support[:, 2:4].mean(1), support[:, 4:].mean(1)], dim=1)
    slow = -((query[:, :, None] - means[:, None]) ** 2).sum(-1)
    assert torch.allclose(logits, slow, atol=1e-4)


def test_distances_keep_their_digits_where_all_features_lie_in_one_direction():
    support, query = (5 + 0.01 * torch.randn(2, count, 64, dtype=torch.float64) for count in (10, 15))
    labels = torch.arange(5).repeat_interleave(2)
    means = support.unflatten(1, (5, 2)).mean(dim=2)
    expected = -(query.unsqueeze(2) - means.unsqueeze(1)).square().sum(dim=3)
    # Products of the features themselves would be wrong by 1e-3, a third of the differences.
    assert (nearest_mean(support.float(), labels, query.float()) - expected).abs().max() < 1e-5


def test_batches_change_nothing():
    images = torch.arange(1203.0)
    assert torch.equal(in_batches(nn.Identity(), lambda _, batch: batch * 2, images), images * 2)


@pytest.mark.parametrize("batch_norm", ["running", "episode"])
def test_all_episodes_at_once_equal_one_at_a_time(tiny, test_images, test_episodes, batch_norm):
    """The evaluator against a slow, obvious one that encodes the images of each episode separately."""
    learner = build(tiny, "ss-all", batch_norm=batch_norm)
    fast = score(learner, embed_episodes(learner, test_images.images, test_episodes), test_episodes)
    slow = []
    with torch.no_grad():
        for support, query in zip(test_episodes.support, test_episodes.query, strict=True):
            logits = learner.predict(
                learner.embed(test_images.images[support][None]),
                torch.arange(5),
                learner.embed(test_images.images[query][None]),
            )[0]
            slow.append(100 * (logits.argmax(-1) == torch.arange(5).repeat_interleave(3)).double().mean().item())
    assert fast.tolist() == pytest.approx(slow)


def test_mirrored_support_images_stand_beside_their_class(tiny, test_images, test_episodes):
    images = test_images.images
    mirrored = with_mirrored_support(test_episodes, len(images))
    doubled = torch.cat([images, images.flip(3)])
    assert mirrored.support.shape == (12, 10)
    assert np.array_equal(mirrored.query, test_episodes.query)
    for label in range(5):
        original, mirror = (doubled[mirrored.support[:, 2 * label + k]] for k in (0, 1))
        assert torch.equal(original, images[test_episodes.support[:, label]])
        assert torch.equal(mirror, original.flip(3))
