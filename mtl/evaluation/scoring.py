"""Accuracies on stored episodes: images are encoded once, then all episodes are solved as one tensor program."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from mtl.data.tasks import Tasks, labels
from mtl.learners.labels import labels_on
from mtl.learners.learner import Learner
from mtl.runtime.byte_count import bytes_of
from mtl.runtime.memory import Parts

# As many as the cache of a CPU likes, and a GPU needs to be busy.
IMAGES_AT_ONCE = {"cpu": 200, "cuda": 2000}
SAMPLE = 32
Module = TypeVar("Module", bound=nn.Module)
Predict = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
# Maps a stretch of T episodes to their support (T, S, ...) and query (T, Q, ...) sets.
Sets = Callable[[slice], tuple[torch.Tensor, torch.Tensor]]


@torch.no_grad()
def in_batches(
    module: Module, encode: Callable[[Module, torch.Tensor], torch.Tensor], images: torch.Tensor
) -> torch.Tensor:
    """Applies what a module does to each image, (B, ...) -> (B, ...), to (N, ...) images, many at a time."""
    at_once = IMAGES_AT_ONCE[images.device.type]
    parts = _that_fit(at_once, "images", partial(_bytes_of_an_image, module, encode, images[:SAMPLE]), images.device)
    return torch.cat([*parts.of(len(images), lambda part: encode(module, images[part]))])


def _bytes_of_an_image(
    module: Module, encode: Callable[[Module, torch.Tensor], torch.Tensor], images: torch.Tensor
) -> int:
    """Of many, so that what all images share counts little."""
    return bytes_of(module, encode, images) // len(images)


def bank(learner: Learner, images: torch.Tensor) -> torch.Tensor:
    """What a learner banks of (N, 3, H, W) images; where it banks the images themselves, they are not copied."""
    if learner.bank(first := images[:1]) is first:
        return images
    return in_batches(learner, lambda learner, part: learner.bank(part), images)


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
        embedded = in_batches(learner, lambda learner, part: learner.embed(part.unsqueeze(0)).squeeze(0), banked)
        return gathered(embedded, episodes)
    sets = gathered(banked, episodes)
    images = episodes.support.shape[1] + episodes.query.shape[1]
    order, sizes = _by_groups(episodes, together)

    def embed(learner: Learner, support: torch.Tensor, query: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return learner.embed_sets(support, query[:, order.to(query.device)], groups=sizes)

    at_once = max(1, IMAGES_AT_ONCE[banked.device.type] // images)
    parts = _that_fit(at_once, "episodes", partial(bytes_of, learner, embed, *sets(slice(0, 1))), banked.device)
    each_part = parts.of(len(episodes.support), lambda part: embed(learner, *sets(part)))
    support, query = map(torch.cat, zip(*each_part, strict=True))
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
    parts: Parts,
    solved: Callable[[int], None] = lambda _: None,
) -> np.ndarray:
    """The label, 0 to way - 1, that each query of each episode is given: (E, Q).

    Args:
        predict: maps support (T, S, ...), labels (S,) and query (T, Q, ...) to logits (T, Q, way).
        sets: returns the embedded sets of some episodes.
        episodes: the episodes.
        parts: how many episodes go through `predict` together.
        solved: called with the number of episodes after each of these parts.
    """
    count, way = episodes.classes.shape

    def solve(part: slice) -> torch.Tensor:
        support, query = sets(part)
        return predict(support, labels_on(support.device, way, support.shape[1] // way), query).argmax(dim=-1)

    predicted = []
    for answers in parts.of(count, solve):
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
    support, query = sets(slice(0, 1))
    way = episodes.classes.shape[1]
    each = partial(bytes_of_episode, learner, way, support, query)
    parts = _that_fit(learner.episodes_at_once, "episodes", each, query.device)
    return episode_predictions(learner.predict, sets, episodes, parts, solved)


def bytes_of_episode(learner: Learner, way: int, support: torch.Tensor, query: torch.Tensor) -> int:
    """The most bytes in use at one time while a learner answers an episode, beside its embedded images.

    Args:
        learner: the learner.
        way: how many classes the episode has.
        support: (1, S, ...) embedded support images, whose values do not matter.
        query: (1, Q, ...) embedded query images.
    """
    support_labels = labels_on(torch.device("cpu"), way, support.shape[1] // way)

    @torch.no_grad()
    def answers(learner: Learner, support: torch.Tensor, query: torch.Tensor) -> None:
        # More steps need no more memory, for nothing is kept of them. Learners without steps do not ask.
        learner.steps = 2
        learner.predict(support, support_labels, query)

    return bytes_of(learner, answers, support, query, also=way)


def score(learner: Learner, sets: Sets, episodes: Tasks) -> np.ndarray:
    """Accuracy of a learner on each episode in percent: (E,)."""
    return accuracies(predictions(learner, sets, episodes), episodes.classes.shape[1])


def _that_fit(at_once: int, what: str, each: Callable[[], int], device: torch.device) -> Parts:
    """Parts of `at_once`, or of as many as a GPU has room for, if each takes `each()` bytes.

    On a CPU so few are done together that memory is no limit, and the first count takes a second.
    """
    return Parts(at_once, what) if device.type == "cpu" else Parts.that_fit(at_once, what, each(), device)
