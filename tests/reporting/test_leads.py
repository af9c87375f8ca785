"""How much sooner a method is, on validation histories made by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from mtl.reporting.claims_page import write_claims
from mtl.reporting.leads import VALIDATION, lead
from mtl.reporting.statistics import p_value
from tests.helpers.measured import cell


def history(accuracies, every=10):
    count = len(accuracies)
    return pd.DataFrame({"tasks_seen": every * np.arange(count), "validation_accuracy": np.array(accuracies, float)})


def timed(measured, ours, theirs, unit="iteration", target="other", tasks=(2, 2)):
    """The line of a claim whose histories are given by seed."""
    for seed, accuracies in enumerate(zip(ours, theirs, strict=True)):
        for name, values, size in zip("ab", accuracies, tasks, strict=True):
            measured.history(cell(name, seed=seed), values, tasks=size)
    return measured.tested(("a", "b"), test="sooner", unit=unit, target=target).iloc[0]


SLOW = [40, 42, 45, 50, 55, 60]


@pytest.mark.parametrize("target", ["other", "own"])
def test_how_much_sooner_needs_three_seeds_that_differ(measured, target):
    fast = [[40, 45, 60, 60, 60, 60], [40, 45, 60, 60, 60, 60], [40, 60, 60, 60, 60, 60]]
    for seeds, expected in ((1, "one-seed"), (2, "two-seeds"), (3, "confirmed")):
        line = timed(measured, fast[:seeds], seeds * [SLOW], target=target)
        assert line["verdict"] == expected
    assert line["effect"] == pytest.approx((30 + 30 + 40) / 3)
    # On a grid of validations seeds are easily equal, which is no proof.
    assert timed(measured, 3 * fast[:1], 3 * [SLOW], target=target)["verdict"] == "inconclusive"


def test_tasks_are_those_before_the_validation(measured):
    line = timed(measured, [[40, 40, 60]], [[40, 60]], unit="tasks_seen", tasks=(2, 4))
    # Both need 40 tasks: 20 meta-batches of 2, or 10 of 4.
    assert (line["effect"], line["unit"]) == (0, "tasks")


def test_equal_histories_are_no_sooner(measured):
    same = 3 * [[40, 50, 60, 59]]
    line = timed(measured, same, same)
    assert (line["effect"], line["verdict"]) == (0, "inconclusive")


@pytest.mark.parametrize("target", ["other", "own"])
def test_what_never_gets_there_confirms_nothing(measured, target):
    """The first is faster to its own best, but the second gets further."""
    ours = [[40, 51, 51, 51, 51], [40, 40, 51, 51, 51], [40, 51, 51, 51, 51]]
    theirs = 3 * [[40, 40, 40, 51, 55]]
    line = timed(measured, ours, theirs, target=target)
    assert line["effect"] > 0
    assert (line["verdict"], line["remark"]) == ("inconclusive", "never reaches it")
    theirs, ours = [[40, 55, 51, 55], [40, 40, 55, 55], [40, 55, 40, 55]], 3 * [[40, 40, 40, 54]]
    assert timed(measured, ours, theirs, target=target)["verdict"] == "refuted"


def test_a_start_beyond_the_others_best_is_no_lead(measured, tmp_path):
    """A pre-trained network passes the best of the other before its first task."""
    line = timed(measured, 3 * [[60, 61, 66, 66]], 3 * [[20, 30, 40, 50]])
    assert (line["verdict"], line["effect"], line["p"]) == ("before-training", None, None)
    plan = measured.plan(("a", "b"), test="sooner", unit="iteration")
    write_claims(json.dumps(plan), tmp_path, tmp_path / "c.csv", tmp_path / "c.md")
    assert "| – | – | – | before-training |" in (tmp_path / "c.md").read_text(encoding="utf-8")


def test_its_own_best_is_what_meta_training_took_to_reach(measured):
    """The same start, but meta-training gains 6 points: the claim can be tested, each by its own best."""
    fast = [[60, 61, 66, 66], [60, 66, 66, 66], [60, 61, 66, 66]]
    line = timed(measured, fast, 3 * [[20, 30, 40, 50]], target="own")
    assert line["effect"] == pytest.approx((10 + 20 + 10) / 3)
    assert line["verdict"] == "inconclusive"  # p = 0.057


@pytest.mark.parametrize("ours", [[60, 60, 60, 60], [60, 59, 58, 57], [60, 60.4, 60.9, 60.2]])
def test_a_method_that_gains_less_than_a_point_has_nothing_to_be_timed(measured, ours):
    """Otherwise the noise of a flat curve would be a lead over a method that still rises."""
    fine = [60, 61, 66, 66]
    assert timed(measured, [fine, ours, fine], 3 * [[20, 30, 40, 50]], target="own")["verdict"] == "before-training"
    assert lead(history([20, 30, 40, 50]), history(ours), "tasks_seen", "own").before_training


def test_only_validations_after_equally_much_training_are_compared():
    """The second was trained for longer, and rises by another point at its end."""
    longer = lead(history([50, 58, 60]), history([50, 58, 60, 60, 60, 61.5]), "tasks_seen", "own")
    assert longer.by == 0
    # The second was validated half as often: 20 is the first time that both were.
    rarer = lead(history([50, 60, 60, 60, 60]), history([50, 60, 60], every=20), "tasks_seen", "own")
    assert rarer.by == 0


def test_without_validations_after_equally_much_training_nothing_is_compared(measured):
    ours, theirs = 3 * [[40, 60]], 3 * [[40, 60]]
    line = timed(measured, ours, theirs, unit="tasks_seen", tasks=(2, 3))
    assert (line["verdict"], line["remark"]) == ("not-comparable", "never validated after equally much training")


def test_leads_of_equal_methods_are_seldom_significant():
    """500 experiments with three seeds whose curves rise alike; the second is trained three times as long."""
    rng = np.random.default_rng(0)

    def curve(count):
        rise = 1 - np.exp(-np.arange(count) / rng.lognormal(np.log(4), 0.3))
        return history(50 + 8 * rise + rng.normal(0, 0.3, count))

    leads = [[lead(curve(20), curve(60), "tasks_seen", "own") for _ in range(3)] for _ in range(500)]
    assert all(one.compared and not one.before_training for seeds in leads for one in seeds)
    found = np.mean([p_value(np.array([one.by for one in seeds])) < 0.05 for seeds in leads])
    assert found <= 0.07
    # The iterations of the best validations would be earlier for the shorter training.
    best = np.array([[curve(n)[VALIDATION].argmax() for n in (20, 60)] for _ in range(1500)]).reshape(500, 3, 2)
    naive = np.diff(best)[..., 0].astype(float)
    assert np.mean([p_value(by_seed) < 0.05 and by_seed.mean() > 0 for by_seed in naive]) > 0.25
