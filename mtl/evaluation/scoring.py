"""Accuracies on stored episodes: images are encoded once, then all episodes are solved as one tensor program."""

from collections.abc import Callable

import numpy as np
import torch

from mtl.data.tasks import Tasks, labels
from mtl.learners.learner import Learner
from mtl.runtime.memory import Parts

# As many as the cache of a CPU likes, and a GPU needs to be busy.
IMAGES_AT_ONCE = {"cpu": 200, "cuda": 2000}
Predict = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
# Maps a stretch of T episodes to their support (T, S, ...) and query (T, Q, ...) sets.
Sets = Callable[[slice], tuple[torch.Tensor, torch.Tensor]]


def in_batches(encode: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Applies a per-image function (B, ...) -> (B, ...) to (N, ...) images, many at a time."""
    parts = Parts(IMAGES_AT_ONCE[images.device.type], "images")
    return torch.cat([*parts.of(len(images), lambda part: encode(images[part]))])


def gathered(embedded: torch.Tensor, episodes: Tasks) -> Sets:
    """The sets of episodes, from (N, ...) images that were embedded independently."""
    support, query = (torch.from_numpy(rows).to(embedded.device) for rows in (episodes.support, episodes.query))
    return lambda chosen: (embedded[support[chosen]], embedded[query[chosen]])


@torch.no_grad()
def embed_episodes(learner: Learner, banked: torch.Tensor, episodes: Tasks, together: int | None = None) -> Sets:
    """Embeds (N, ...) banked images for episodes: each image once, or each set once if its images interact.

    Such query sets are made of `together` query images per class, by default of all of a task.
    """
    if learner.per_image:
        return gathered(in_batches(lambda batch: learner.embed(batch.unsqueeze(0)).squeeze(0), banked), episodes)
    sets = gathered(banked, episodes)
    images = episodes.support.shape[1] + episodes.query.shape[1]
    order, sizes = _by_groups(episodes, together)

    def embedded(part: slice) -> tuple[torch.Tensor, torch.Tensor]:
        support, query = sets(part)
        return learner.embed_sets(support, query[:, order.to(query.device)], groups=sizes)

    parts = Parts(max(1, IMAGES_AT_ONCE[banked.device.type] // images), "episodes")
    support, query = map(torch.cat, zip(*parts.of(len(episodes.support), embedded), strict=True))
    query = query[:, order.argsort().to(query.device)]
    return lambda chosen: (support[chosen], query[chosen])


def _by_groups(episodes: Tasks, together: int | None) -> tuple[torch.Tensor, list[int]]:
    """The order (Q,) of a task's queries, class by class, in which one group follows another, and the groups' sizes.

    Group i has the i-th `together` queries of each class.
    """
    way = episodes.classes.shape[1]
    by_class = torch.arange(episodes.query.shape[1]).unflatten(0, (way, -1))
    groups = [group.flatten() for group in by_class.split(together or by_class.shape[1], dim=1)]
    return torch.cat(groups), [len(group) for group in groups]


@torch.no_grad()
def episode_predictions(
    predict: Predict,
    sets: Sets,
    episodes: Tasks,
    at_once: int,
    solved: Callable[[int], None] = lambda _: None,
) -> np.ndarray:
    """The label, 0 to way - 1, that each query of each episode is given: (E, Q).

    Args:
        predict: maps support (T, S, ...), labels (S,) and query (T, Q, ...) to logits (T, Q, way).
        sets: returns the embedded sets of some episodes.
        episodes: the episodes.
        at_once: how many episodes go through `predict` together.
        solved: called with the number of episodes after each of these batches.
    """
    count, way = episodes.classes.shape

    def solve(part: slice) -> torch.Tensor:
        support, query = sets(part)
        support_labels = torch.from_numpy(labels(way, support.shape[1] // way)).to(support.device)
        return predict(support, support_labels, query).argmax(dim=-1)

    predicted = []
    for answers in Parts(at_once, "episodes").of(count, solve):
        predicted.append(answers)
        solved(len(answers))
    return torch.cat(predicted).cpu().numpy()


def accuracies(predicted: np.ndarray, way: int) -> np.ndarray:
    """Accuracy of each episode in percent, (E,), from the labels that its queries were given, (E, Q).

    >>> accuracies(np.array([[0, 0, 1, 1], [0, 1, 1, 1]]), way=2)
    array([100.,  75.])
    """
    targets = labels(way, predicted.shape[1] // way)
    percent: np.ndarray = (predicted == targets).mean(axis=1) * 100
    return percent


def predictions(
    learner: Learner, sets: Sets, episodes: Tasks, solved: Callable[[int], None] = lambda _: None
) -> np.ndarray:
    """The labels that a learner gives the queries of each episode: (E, Q)."""
    return episode_predictions(learner.predict, sets, episodes, learner.episodes_at_once, solved)


def score(learner: Learner, sets: Sets, episodes: Tasks) -> np.ndarray:
    """Accuracy of a learner on each episode in percent: (E,)."""
    return accuracies(predictions(learner, sets, episodes), episodes.classes.shape[1])
