"""How often claims are confirmed or refuted in 1,000 simulated experiments whose truth is known."""

from collections import defaultdict
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from mtl.reporting.claim_tests import claim_verdicts
from mtl.reporting.statistics import p_value
from tests.helpers.measured import cell

EXPERIMENTS = 1000
EPISODES = 600
# Percentage points. Between seeds, the same method differs by `SHARED` because of the network that all methods share,
# and by `OWN` because of its own meta-training; episodes differ in difficulty, and a method has some luck in each.
SHARED, OWN, DIFFICULTY, LUCK = 4.0, 1.0, 10.0, 4.0
DECIDED = {"confirmed", "refuted"}
CLAIM = {
    "claim": "it is so", "source": "here", "test": "difference", "across_backbones": False,
    "pairs": [["a", "b"], ["c", "b"]],
}  # fmt: skip


def judged(rng, seeds, better=0.0, failing=0.0):
    """The verdicts of one experiment on 1 and 5 shots: `a` and `c` are better than `b` by so much.

    A method fails, with 10 points less, on a share of the seeds.
    """
    accuracies = {}
    for seed, shot in product(range(seeds), (1, 5)):
        episodes = 60 + rng.normal(0, SHARED) + rng.normal(0, DIFFICULTY, EPISODES)
        for method in "abc":
            model = rng.normal(0, OWN) + better * (method != "b") - 10 * (rng.random() < failing)
            accuracies[cell(method, shot, seed)] = episodes + model + rng.normal(0, LUCK, EPISODES)
    evidence = SimpleNamespace(accuracies=accuracies, selected_iteration={}, computed_on=defaultdict(dict))
    plan = {"claims": [CLAIM], "cells": {one.folder: True for one in accuracies}, "stale": []}
    return claim_verdicts(plan, evidence)


@pytest.mark.parametrize(("seeds", "failing"), [(3, 0.0), (5, 0.0), (3, 0.2)])
def test_without_an_effect_few_experiments_decide_a_claim(seeds, failing):
    """By any of its four lines, in either direction."""
    rng = np.random.default_rng(seeds)
    lines = [judged(rng, seeds, failing=failing) for _ in range(EXPERIMENTS)]
    assert all(len(one) == 4 for one in lines)
    assert np.mean([not DECIDED.isdisjoint(one["verdict"]) for one in lines]) <= 0.07
    # The interval over episodes would have decided most of them: it knows nothing of other seeds.
    assert np.mean([(one["effect"].abs() > one["ci95"]).any() for one in lines]) > 0.5
    # Without the correction, a single line errs in a twentieth.
    single = np.mean([one["p"].iloc[0] < 0.05 for one in lines])
    assert single <= 0.07


@pytest.mark.parametrize(("seeds", "spreads"), [(3, 3.3), (5, 1.7), (10, 1.0)])
def test_the_effects_that_docs_statistics_names_are_found_in_four_of_five_experiments(seeds, spreads):
    """By a claim of a single line; effects in standard deviations between seeds."""
    by_seed = np.random.default_rng(seeds).normal(spreads, 1, (EXPERIMENTS, seeds))
    assert np.mean([p_value(effects) < 0.05 for effects in by_seed]) == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize("seeds", [1, 2])
def test_with_fewer_than_three_seeds_no_effect_is_large_enough(seeds):
    rng = np.random.default_rng(0)
    verdicts = judged(rng, seeds, better=50.0)["verdict"]
    assert set(verdicts) == {{1: "one-seed", 2: "two-seeds"}[seeds]}
