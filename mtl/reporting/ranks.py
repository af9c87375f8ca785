"""Ranks of methods, and how certain they are."""

from typing import NamedTuple

import numpy as np

DRAWS = 2000


class Ranks(NamedTuple):
    """The rank of each of M methods, 1 for the best, and the ends of its 95 % interval: (M,) each."""

    rank: np.ndarray
    low: np.ndarray
    high: np.ndarray


def ranks(accuracies: np.ndarray) -> Ranks:
    """Ranks of methods by mean accuracy, with intervals by the bootstrap.

    A draw takes as many seeds as there are, with replacement, and of each as many of its episodes, the same for all
    methods. So two methods that differ on every episode alike have certain ranks, however much episodes differ. With
    one seed the intervals are about these models; with a few seeds they are too narrow.

    Args:
        accuracies: (M, seeds, episodes); all methods of a seed were tested on the same episodes.
    """
    methods, seeds, episodes = accuracies.shape
    rng = np.random.default_rng(0)
    means = np.empty((seeds, methods, DRAWS))
    for seed in range(seeds):
        counts = rng.multinomial(episodes, np.full(episodes, 1 / episodes), size=DRAWS)
        means[seed] = accuracies[:, seed] @ counts.T / episodes
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=DRAWS) / seeds
    drawn = _ranked(np.einsum("smd,ds->dm", means, weights))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0, method="nearest").astype(int)
    return Ranks(_ranked(accuracies.mean(axis=(1, 2))[None])[0], low, high)


def _ranked(means: np.ndarray) -> np.ndarray:
    """(draws, M) means to ranks: 1 plus the number of methods that are better."""
    # Means of the same numbers, added in another order, differ in the last digits.
    better = means[:, None, :] > means[:, :, None] + 1e-9
    ranks: np.ndarray = 1 + better.sum(axis=2)
    return ranks
