"""Claims on data made by hand, for which the truth is known."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mtl.reporting.claims_page import write_claims
from mtl.reporting.statistics import few_ci95, holm, p_value
from mtl.runtime.errors import UserError
from tests.helpers.measured import cell, page_of

NOISE = np.random.default_rng(0).normal(0, 1, 200)
NOISE -= NOISE.mean()


def differ(measured, *by_seed, **place):
    """Cells of `a` and `b` whose accuracies differ by so much on average, one value per seed."""
    for seed, effect in enumerate(by_seed):
        measured.accuracies(cell("a", seed=seed, **place), 50 + NOISE + effect)
        measured.accuracies(cell("b", seed=seed, **place), np.full(200, 50.0))


@pytest.mark.parametrize(
    ("by_seed", "expected"),
    [
        ((2.0, 2.1, 2.3), "confirmed"),
        ((-2.0, -2.1, -2.3), "refuted"),
        ((0.5, -0.4, 0.1), "inconclusive"),
        # Every seed by itself is beyond doubt, and so are all episodes together, but the seeds disagree.
        ((9.0, 1.0, 2.0), "inconclusive"),
        ((0.0, 0.0, 0.0), "inconclusive"),
    ],
)
def test_a_difference_is_judged_by_its_spread_between_seeds(measured, by_seed, expected):
    differ(measured, *by_seed)
    line = measured.tested(("a", "b")).iloc[0]
    assert line["verdict"] == expected
    assert line["p"] == pytest.approx(1.0 if not any(by_seed) else stats.ttest_1samp(by_seed, 0).pvalue)
    assert line["effect"] == pytest.approx(np.mean(by_seed))
    assert (line["seeds"], line["count"]) == (3, 600)


def test_the_interval_over_episodes_has_no_part_of_the_spread_between_seeds(measured):
    differ(measured, 1.0, 20.0, 3.0)
    line = measured.tested(("a", "b")).iloc[0]
    assert line["ci95"] == pytest.approx(1.96 * stats.sem(NOISE) / np.sqrt(3))
    assert line["ci95_seeds"] == pytest.approx(4.30265 * stats.sem([1, 20, 3]), rel=1e-5)


@pytest.mark.parametrize(("by_seed", "expected"), [((9.0,), "one-seed"), ((9.0, 9.1), "two-seeds")])
def test_fewer_than_three_seeds_confirm_and_refute_nothing(measured, tmp_path, by_seed, expected):
    for effects in (by_seed, [-effect for effect in by_seed]):
        differ(measured, *effects)
        line = measured.tested(("a", "b")).iloc[0]
        assert (line["verdict"], line["p"], line["p_holm"]) == (expected, None, None)
        assert line["effect"] == pytest.approx(np.mean(effects))
        assert line["ci95"] > 0
        assert np.isnan(line["ci95_seeds"]) == (expected == "one-seed")
    page = page_of(tmp_path, measured.plan(("a", "b")), ("it is so", [["a", "b"]], False))
    assert "these models differ by" in page
    assert f"`{expected}`: not tested. These" in page
    assert "`confirmed`" not in page


def test_the_page_of_one_seed_says_what_these_models_differ_by(measured, tmp_path):
    differ(measured, 9.0)
    page = page_of(tmp_path, measured.plan(("a", "b")), ("it is so", [["a", "b"]], False))
    ci95 = 1.96 * stats.sem(NOISE)
    assert "| rows | where | over seeds | these models differ by | p (Holm) | verdict |" in page
    assert f"| A vs. B | glyphs 1-shot | – | +9.00 ± {ci95:.2f} | – | one-seed |" in page
    assert "These two models differ by so much" in page


def test_seeds_of_which_one_method_is_missing_do_not_count(measured):
    differ(measured, 2.0, 2.1)
    measured.accuracies(cell("a", seed=2), 50 + NOISE)
    measured.cells[cell("b", seed=2).folder] = True
    assert measured.tested(("a", "b")).iloc[0]["verdict"] == "two-seeds"


def test_differences_are_paired(measured):
    """Episodes differ by 30 points, seeds by 10, the two methods by about 0.5 in every one of them."""
    hard = np.random.default_rng(1).uniform(20, 70, (3, 200))
    for seed in range(3):
        measured.accuracies(cell("a", seed=seed), hard[seed] + 10 * seed + 0.5 + 0.1 * NOISE + 0.01 * seed)
        measured.accuracies(cell("b", seed=seed), hard[seed] + 10 * seed)
    assert measured.tested(("a", "b")).iloc[0]["verdict"] == "confirmed"


@pytest.mark.parametrize("by_seed", [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0)])
def test_equal_differences_of_three_seeds_prove_nothing(measured, by_seed):
    for seed, effect in enumerate(by_seed):
        measured.accuracies(cell("a", seed=seed), np.full(20, 50.0 + effect))
        measured.accuracies(cell("b", seed=seed), np.full(20, 50.0))
    line = measured.tested(("a", "b")).iloc[0]
    # The sign test: all three on one side, 2 · 0.5³.
    assert (line["p"], line["verdict"]) == (0.25 if by_seed[0] else 1.0, "inconclusive")


def test_holm_makes_one_of_many_weak_effects_inconclusive(measured):
    """A single line with p = 0.03 passes; beside four others without effect it must not."""
    deviations = np.array([-1.0, 0.0, 1.0])
    differ(measured, *(deviations + stats.t.isf(0.015, 2) * stats.sem(deviations)))
    alone = measured.tested(("a", "b")).iloc[0]
    assert (alone["p"], alone["verdict"]) == (pytest.approx(0.03), "confirmed")
    for shot in range(2, 6):
        differ(measured, *deviations, shot=shot)
    together = measured.tested(("a", "b"))
    assert together.iloc[0]["p_holm"] == pytest.approx(0.15)
    assert set(together["verdict"]) == {"inconclusive"}


@pytest.mark.parametrize("method", ["a", "b"])
def test_a_model_that_was_not_trained_is_not_tested_and_does_not_count(measured, method):
    """One of three seeds is enough; the others must not be picked. Holm's factor stays that of the tested lines."""
    for shot in (1, 5):
        differ(measured, 2.0, 2.1, 2.3, shot=shot)
    tested = measured.tested(("a", "b"))
    assert tested["p_holm"].tolist() == pytest.approx(2 * tested["p"])
    measured.trained(cell("a", seed=0), selected_iteration=100)
    measured.trained(cell(method, shot=5, seed=1), selected_iteration=0)
    lines = measured.tested(("a", "b"))
    assert lines["verdict"].tolist() == ["confirmed", "not-trained"]
    assert lines["p_holm"].iloc[0] == tested["p"].iloc[0]
    assert pd.isna(lines[["p", "p_holm"]].iloc[1]).all()
    assert lines["effect"].iloc[1] == pytest.approx(np.mean([2.0, 2.1, 2.3]))


def test_not_trained_says_more_than_one_seed(measured):
    differ(measured, 2.0)
    measured.trained(cell("a"), selected_iteration=0)
    assert measured.tested(("a", "b")).iloc[0]["verdict"] == "not-trained"


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.9, 0.8])).tolist() == pytest.approx([1, 1])
    assert holm(np.array([])).tolist() == []


def test_p_value_and_interval_of_few_values_by_hand():
    assert p_value(np.full(6, 3.0)) == pytest.approx(2 / 64)
    values = np.array([1.0, 2.0, 3.0])
    # mean 2, s = 1, sem = 1/√3, t = 3.4641 with 2 degrees of freedom
    assert p_value(values) == pytest.approx(2 * stats.t.sf(2 * np.sqrt(3), 2))
    assert few_ci95(values) == pytest.approx(4.30265 / np.sqrt(3), rel=1e-5)


def test_every_number_of_ways_has_a_line_of_its_own(measured, tmp_path):
    differ(measured, 10.0, 10.1, 9.9, way=5)
    differ(measured, -10.0, -10.1, -9.9, way=20)
    lines = measured.tested(("a", "b"))
    assert lines[["way", "verdict"]].to_numpy().tolist() == [[5, "confirmed"], [20, "refuted"]]
    page = page_of(tmp_path, measured.plan(("a", "b")), ("it is so", [["a", "b"]], False))
    assert "| A vs. B | glyphs 5-way 1-shot | +10.00 ± 0.25 |" in page
    assert "| A vs. B | glyphs 20-way 1-shot | -10.00 ± 0.25 |" in page


def test_a_missing_cell_is_not_run(measured):
    measured.accuracies(cell("a"), 50 + NOISE)
    measured.cells[cell("b").folder] = True
    assert measured.tested(("a", "b")).iloc[0]["verdict"] == "not-run"


def test_a_pair_of_which_one_method_is_not_selected_has_no_line(measured):
    measured.accuracies(cell("a"), 50 + NOISE)
    assert measured.tested(("a", "b")).empty


def test_devices_of_evaluation_are_not_mixed(measured):
    differ(measured, 2.0, 2.1, 2.3)
    measured.accuracies(cell("b", seed=1), np.full(200, 50.0), device="NVIDIA H200")
    line = measured.tested(("a", "b")).iloc[0]
    remark = "evaluation: devices or precisions differ"
    assert (line["verdict"], line["p"], line["remark"]) == ("not-comparable", None, remark)


@pytest.mark.parametrize(
    ("changed", "stage"),
    [({"device": "NVIDIA H200"}, "meta-training"), ({"pretrained_on": "NVIDIA H200"}, "pre-training")],
)
def test_devices_of_training_are_not_mixed(measured, tmp_path, changed, stage):
    """Backbones differ, so that each has a pre-training of its own."""
    for seed, effect in enumerate((2.0, 2.1, 2.3)):
        for one, values in ((cell("a", seed=seed), NOISE + effect), (cell("b", seed=seed, backbone="conv4"), NOISE)):
            measured.accuracies(one, 50 + values)
            measured.trained(one, pretrained_on="cpu")
    claim = {"across_backbones": True}
    assert measured.tested(("a", "b"), **claim).iloc[0]["verdict"] == "confirmed"
    measured.trained(cell("b", seed=1, backbone="conv4"), **{"pretrained_on": "cpu", **changed})
    line = measured.tested(("a", "b"), **claim).iloc[0]
    remark = f"{stage}: devices or precisions differ"
    assert (line["verdict"], line["p"], line["remark"]) == ("not-comparable", None, remark)
    write_claims(json.dumps(measured.plan(("a", "b"), **claim)), tmp_path, tmp_path / "c.csv", tmp_path / "c.md")
    assert f"| {remark} | not-comparable |" in (tmp_path / "c.md").read_text(encoding="utf-8")


def test_a_stage_that_one_method_lacks_and_a_device_per_seed_are_no_mixture(measured):
    for seed, (effect, device) in enumerate([(2.0, "cpu"), (2.1, "NVIDIA H100"), (2.3, "NVIDIA H200")]):
        for method, values in (("a", NOISE + effect), ("b", NOISE)):
            measured.accuracies(cell(method, seed=seed), 50 + values, device=device)
        measured.trained(cell("a", seed=seed), device="another", pretrained_on="a third")
    assert measured.tested(("a", "b")).iloc[0]["verdict"] == "confirmed"


def test_other_backbones_are_compared_only_where_the_claim_says_so(measured):
    measured.accuracies(cell("a"), np.full(20, 60.0))
    measured.accuracies(cell("b", backbone="conv4"), np.full(20, 50.0))
    assert measured.tested(("a", "b")).empty
    line = measured.tested(("a", "b"), across_backbones=True).iloc[0]
    assert (line["effect"], line["backbone"], line["against_backbone"]) == (10, "resnet12", "conv4")


def test_what_is_not_at_the_papers_scale_is_marked(measured, tmp_path):
    measured.accuracies(cell("a"), np.full(20, 60.0))
    measured.accuracies(cell("b"), np.full(20, 50.0))
    assert measured.tested(("a", "b")).iloc[0]["paper_scale"]
    measured.cells[cell("b").folder] = False
    assert not measured.tested(("a", "b")).iloc[0]["paper_scale"]
    write_claims(json.dumps(measured.plan(("a", "b"))), tmp_path, tmp_path / "c.csv", tmp_path / "c.md")
    assert "Not at the paper's scale" in (tmp_path / "c.md").read_text(encoding="utf-8")


def test_other_numbers_of_episodes_are_refused(measured):
    measured.accuracies(cell("a"), np.full(20, 60.0))
    measured.accuracies(cell("b"), np.full(21, 60.0))
    with pytest.raises(UserError, match="different numbers of episodes"):
        measured.tested(("a", "b"))


@pytest.mark.parametrize(("ours", "expected"), [(22, "confirmed"), (23, "refuted")])
def test_a_count_of_parameters(measured, ours, expected):
    measured.learned(cell("a"), ours)
    measured.learned(cell("b"), 100)
    line = measured.tested(("a", "b"), test="fewer", ratio=0.2222).iloc[0]
    assert (line["effect"], line["verdict"]) == (ours / 100, expected)


def test_the_page_has_claim_effect_and_rule(measured, tmp_path):
    differ(measured, 2.0, 2.1, 2.3)
    plan = measured.plan(("a", "b"), ("a", "c"))
    write_claims(json.dumps(plan), tmp_path, tmp_path / "c.csv", tmp_path / "c.md")
    page = (tmp_path / "c.md").read_text(encoding="utf-8")
    assert "## it is so" in page
    ci95, p = 1.96 * stats.sem(NOISE) / np.sqrt(3), stats.ttest_1samp([2.0, 2.1, 2.3], 0).pvalue
    assert f"| A vs. B | glyphs 1-shot | +2.13 ± 0.38 | +2.13 ± {ci95:.2f} | {p:.2g} | confirmed |" in page
    assert "after Holm's correction" in page
    assert "`one-seed`" not in page
    assert pd.read_csv(tmp_path / "c.csv")["verdict"].tolist() == ["confirmed"]
