import pytest
import torch

from tests.learners.transfer import LABELS, learner_of, logits_of, sets_of

TRANSFORMS = ["none", "l2", "cl2", "cosine"]
pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize(
    ("transform", "scores"),
    [
        ("none", [-1, -2]),
        ("l2", [-2 + 2 * 0.948683, -2 + 2 * 0.894427]),
        ("cl2", [-0.585786, -0.585786]),
        ("cosine", [0.948683, 0.894427]),
    ],
)
def test_an_example_computed_by_hand(tiny, transform, scores):
    learner = learner_of(tiny, "nearest-centroid", transform=transform)
    learner.see_source(torch.tensor([[0.0, 2.0], [2.0, 0.0]]))
    support, query = torch.tensor([[[2.0, 1.0], [1.0, 3.0]]]), torch.tensor([[[2.0, 2.0]]])
    assert learner.predict(support, torch.arange(2), query).flatten().tolist() == pytest.approx(scores, abs=1e-6)


def slow_scores(transform, support, query, mean):
    """One task, one vector at a time."""

    def transformed(x):
        x = x - mean if transform == "cl2" else x
        return x if transform in ("none", "cosine") else x / x.norm()

    means = [sum(transformed(x) for x in support[k : k + 2]) / 2 for k in range(0, 10, 2)]
    if transform == "cosine":
        return torch.stack([torch.stack([q @ m / (q.norm() * m.norm()) for m in means]) for q in query])
    return torch.stack([torch.stack([-((transformed(q) - m).norm() ** 2) for m in means]) for q in query])


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_equals_one_vector_after_another(tiny, transform):
    torch.manual_seed(0)
    support, query, source = torch.randn(3, 10, 7), torch.randn(3, 6, 7), torch.randn(9, 7) + 1
    learner = learner_of(tiny, "nearest-centroid", transform=transform)
    learner.see_source(source)
    for task, scores in enumerate(learner.predict(support, LABELS, query)):
        assert (scores - slow_scores(transform, support[task], query[task], source.mean(dim=0))).abs().max() < 1e-10


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_only_a_training_mean_asks_for_training_images(tiny, transform):
    assert learner_of(tiny, "nearest-centroid", transform=transform).source_images == (
        2048 if transform == "cl2" else 0
    )


def test_set_statistics_are_those_of_whole_tasks_and_of_training_images_in_sets_of_that_size(
    tiny, train_images, test_images
):
    """Of 55 training images and tasks of 25, two sets."""
    source = train_images.images[: 4 * 55 : 4]
    learner = learner_of(tiny, "nearest-centroid-cl2n", "episode", source)
    sets = sets_of(test_images)
    mean = torch.cat([learner.backbone(part.double() / 255) for part in (source[:28], source[28:])]).mean(dim=0)
    for task, scores in enumerate(logits_of(learner, *sets)):
        features = learner.backbone(torch.cat([images[task] for images in sets]).double() / 255)
        assert (scores - slow_scores("cl2", features[:10], features[10:], mean)).abs().max() < 1e-10
