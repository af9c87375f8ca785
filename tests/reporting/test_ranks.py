"""Ranks on data with known truth."""

import numpy as np

from mtl.reporting.ranks import ranks


def episodes(levels, seeds=1, spread=10.0, own=3.0, count=600, rng=None):
    """Accuracies whose episodes differ much, alike for all methods, and whose methods differ by `levels`."""
    rng = rng or np.random.default_rng(0)
    shared = rng.normal(60, spread, size=(1, seeds, count))
    return np.array(levels)[:, None, None] + shared + rng.normal(0, own, size=(len(levels), seeds, count))


def test_methods_that_differ_on_the_same_episodes_have_certain_ranks():
    found = ranks(episodes([0, 2, 1]))
    assert found.rank.tolist() == found.low.tolist() == found.high.tolist() == [3, 1, 2]


def test_equal_methods_share_their_ranks():
    accuracies = episodes([0, 5])
    found = ranks(accuracies[[0, 0, 1]])
    assert found.rank.tolist() == found.low.tolist() == found.high.tolist() == [2, 2, 1]


def test_intervals_of_methods_without_a_difference_hold_nearly_all_ranks():
    rng = np.random.default_rng(1)
    widths = [np.subtract(found.high, found.low) for found in (ranks(episodes([0] * 5, rng=rng)) for _ in range(10))]
    assert np.mean(widths) > 2.5


def test_the_true_rank_is_in_the_interval():
    rng = np.random.default_rng(2)
    levels, inside = np.array([0.4, 0.3, 0.2, 0.1, 0.0]), []
    for _ in range(40):
        found = ranks(episodes(levels, rng=rng))
        inside += list((found.low <= np.arange(1, 6)) & (np.arange(1, 6) <= found.high))
    assert np.mean(inside) > 0.93


def test_seeds_that_disagree_make_ranks_uncertain():
    first, second = episodes([0, 4]), episodes([4, 0])
    assert ranks(first).high.tolist() == [2, 1]
    found = ranks(np.concatenate([first, second], axis=1))
    assert found.low.tolist() == [1, 1]
    assert found.high.tolist() == [2, 2]
