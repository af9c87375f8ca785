"""Accuracies on stored episodes: every image is encoded once, then all episodes are solved as one tensor program."""

from collections.abc import Callable

import numpy as np
import torch

from mtl.data.tasks import Tasks, labels
from mtl.learners.learner import Learner

IMAGES_AT_ONCE = 500
Predict = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def in_batches(encode: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Applies a per-image function (B, ...) -> (B, ...) to (N, ...) images, a few hundred at a time."""
    return torch.cat([encode(batch) for batch in images.split(IMAGES_AT_ONCE)])


@torch.no_grad()
def episode_accuracies(
    predict: Predict,
    embedded: torch.Tensor,
    episodes: Tasks,
    at_once: int,
    solved: Callable[[int], None] = lambda _: None,
) -> np.ndarray:
    """Accuracy of each episode in percent: (E,).

    Args:
        predict: maps support (T, S, ...), labels (S,) and query (T, Q, ...) to logits (T, Q, way).
        embedded: (N, ...) all images of the split.
        episodes: indices into `embedded`.
        at_once: how many episodes go through `predict` together.
        solved: told how many more episodes are done, after each of these.
    """
    device, way = embedded.device, episodes.classes.shape[1]
    support_labels = torch.from_numpy(labels(way, episodes.support.shape[1] // way)).to(device)
    targets = torch.from_numpy(labels(way, episodes.query.shape[1] // way)).to(device)
    support, query = torch.from_numpy(episodes.support).to(device), torch.from_numpy(episodes.query).to(device)
    accuracies = []
    for chosen in torch.arange(len(support), device=device).split(at_once):
        logits = predict(embedded[support[chosen]], support_labels, embedded[query[chosen]])
        accuracies.append((logits.argmax(dim=-1) == targets).double().mean(dim=1) * 100)
        solved(len(chosen))
    return torch.cat(accuracies).cpu().numpy()


@torch.no_grad()
def embed_all(learner: Learner, banked: torch.Tensor) -> torch.Tensor:
    """Every image of a split, embedded once: (N, ...) banked to (N, ...)."""
    return in_batches(lambda batch: learner.embed(batch.unsqueeze(0)).squeeze(0), banked)


def score(
    learner: Learner, embedded: torch.Tensor, episodes: Tasks, solved: Callable[[int], None] = lambda _: None
) -> np.ndarray:
    """Accuracy of a learner on each episode in percent: (E,)."""
    return episode_accuracies(learner.predict, embedded, episodes, learner.episodes_at_once, solved)


def nearest_mean(support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """Logits of the nearest class mean: minus the squared distance (T, Q, way). It has no setting to choose."""
    way = int(labels.max()) + 1
    means = support.unflatten(1, (way, -1)).mean(dim=2)
    return -torch.cdist(query, means).square()
