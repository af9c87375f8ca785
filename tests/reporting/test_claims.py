"""Claims on data made by hand, for which the truth is known."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mtl.reporting.claims_page import write_claims
from mtl.reporting.statistics import few_ci95, holm, p_value
from mtl.runtime.errors import UserError
from tests.helpers.measured import Measured, cell

RNG = np.random.default_rng(0)
NOISE = RNG.normal(0, 1, 200)


@pytest.fixture
def measured(tmp_path):
    return Measured(tmp_path)


@pytest.mark.parametrize(
    ("effect", "expected"), [(1.0, "confirmed"), (-1.0, "refuted"), (0.01, "inconclusive"), (0.0, "inconclusive")]
)
def test_a_difference_is_judged_by_its_sign_and_its_noise(measured, effect, expected):
    measured.accuracies(cell("a"), 50 + NOISE - NOISE.mean() + effect)
    measured.accuracies(cell("b"), np.full(200, 50.0))
    line = measured.tested(("a", "b")).iloc[0]
    assert line["verdict"] == expected
    assert line["effect"] == pytest.approx(effect)
    assert line["ci95"] == pytest.approx(1.96 * stats.sem(NOISE))
    assert np.isnan(line["ci95_seeds"])


def test_differences_are_paired(measured):
    """Episodes differ by 30 points, the two methods by 0.5 in every one of them."""
    hard = RNG.uniform(1, 99, 200)
    measured.accuracies(cell("a"), hard + 0.5 + 0.1 * NOISE)
    measured.accuracies(cell("b"), hard)
    assert measured.tested(("a", "b")).iloc[0]["verdict"] == "confirmed"


@pytest.mark.parametrize(("ours", "expected"), [(50.0, "inconclusive"), (51.0, "confirmed"), (49.0, "refuted")])
def test_equal_differences_leave_no_doubt(measured, ours, expected):
    measured.accuracies(cell("a"), np.full(20, ours))
    measured.accuracies(cell("b"), np.full(20, 50.0))
    assert measured.tested(("a", "b")).iloc[0]["verdict"] == expected


def test_holm_makes_one_of_many_weak_effects_inconclusive(measured):
    """A single line with p = 0.03 passes; beside four others without effect it must not."""
    shift = stats.t.isf(0.015, 199) * stats.sem(NOISE) - NOISE.mean()
    measured.accuracies(cell("a"), 50 + NOISE + shift)
    measured.accuracies(cell("b"), np.full(200, 50.0))
    alone = measured.tested(("a", "b")).iloc[0]
    assert (alone["p"], alone["verdict"]) == (pytest.approx(0.03), "confirmed")
    for shot in range(2, 6):
        measured.accuracies(cell("a", shot), 50 + NOISE - NOISE.mean())
        measured.accuracies(cell("b", shot), np.full(200, 50.0))
    together = measured.tested(("a", "b"))
    assert together.iloc[0]["p_holm"] == pytest.approx(0.15)
    assert set(together["verdict"]) == {"inconclusive"}


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.9, 0.8])).tolist() == pytest.approx([1, 1])
    assert holm(np.array([])).tolist() == []


def test_p_value_and_interval_of_few_values_by_hand():
    values = np.array([1.0, 2.0, 3.0])
    # mean 2, s = 1, sem = 1/√3, t = 3.4641 with 2 degrees of freedom
    assert p_value(values) == pytest.approx(2 * stats.t.sf(2 * np.sqrt(3), 2))
    assert few_ci95(values) == pytest.approx(4.30265 / np.sqrt(3), rel=1e-5)


def test_several_seeds_are_pooled_and_their_spread_is_shown(measured):
    for seed, effect in enumerate((1.0, 2.0, 3.0)):
        measured.accuracies(cell("a", seed=seed), 50 + effect + NOISE)
        measured.accuracies(cell("b", seed=seed), 50 + NOISE)
    line = measured.tested(("a", "b")).iloc[0]
    assert (line["seeds"], line["count"]) == (3, 600)
    assert line["effect"] == pytest.approx(2)
    assert line["ci95_seeds"] == pytest.approx(4.30265 / np.sqrt(3), rel=1e-5)


def test_every_number_of_ways_has_a_line_of_its_own(measured, tmp_path):
    for way, ours in ((5, 60.0), (20, 40.0)):
        measured.accuracies(cell("a", way=way), np.full(20, ours))
        measured.accuracies(cell("b", way=way), np.full(20, 50.0))
    lines = measured.tested(("a", "b"))
    assert lines[["way", "effect", "verdict"]].to_numpy().tolist() == [[5, 10, "confirmed"], [20, -10, "refuted"]]
    write_claims(json.dumps(measured.plan(("a", "b"))), tmp_path, tmp_path / "c.csv", tmp_path / "c.md")
    page = (tmp_path / "c.md").read_text(encoding="utf-8")
    assert "| A vs. B | glyphs 5-way 1-shot | +10.00" in page
    assert "| A vs. B | glyphs 20-way 1-shot | -10.00" in page


def test_a_missing_cell_is_not_run(measured):
    measured.accuracies(cell("a"), 50 + NOISE)
    measured.cells[cell("b").folder] = True
    assert measured.tested(("a", "b")).iloc[0]["verdict"] == "not-run"


def test_a_pair_of_which_one_method_is_not_selected_has_no_line(measured):
    measured.accuracies(cell("a"), 50 + NOISE)
    assert measured.tested(("a", "b")).empty


def test_devices_are_not_mixed(measured):
    measured.accuracies(cell("a"), np.full(20, 60.0))
    measured.accuracies(cell("b"), np.full(20, 50.0), device="NVIDIA H200")
    line = measured.tested(("a", "b")).iloc[0]
    assert (line["verdict"], line["p"], line["remark"]) == ("inconclusive", None, "devices or precisions differ")


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


def test_how_much_sooner_needs_three_seeds(measured):
    for seed in range(3):
        measured.history(cell("a", seed=seed), [40, 50, 60, 61, 62])
        measured.history(cell("b", seed=seed), [40, 45, 50, 55, 60, 59])
        line = measured.tested(("a", "b"), test="sooner", unit="iteration").iloc[0]
        assert line["effect"] == 20  # at 20 instead of at 40
        assert line["verdict"] == ("confirmed" if seed == 2 else "inconclusive")
    tasks = measured.tested(("a", "b"), test="sooner", unit="tasks_seen").iloc[0]
    assert (tasks["effect"], tasks["unit"]) == (40, "tasks")


def test_equal_histories_are_no_sooner(measured):
    for seed in range(3):
        for name in ("a", "b"):
            measured.history(cell(name, seed=seed), [40, 50, 60, 59])
    line = measured.tested(("a", "b"), test="sooner", unit="iteration").iloc[0]
    assert (line["effect"], line["verdict"]) == (0, "inconclusive")


def test_tasks_are_those_before_the_validation(measured):
    """Both are best before any training: no lead, although their meta-batches differ in size."""
    for seed in range(3):
        measured.history(cell("a", seed=seed), [60, 50], tasks=2)
        measured.history(cell("b", seed=seed), [60, 50], tasks=4)
    assert measured.tested(("a", "b"), test="sooner", unit="tasks_seen").iloc[0]["effect"] == 0


def test_what_never_gets_there_confirms_nothing(measured):
    """The first is faster to its own best, but the second gets further."""
    for seed in range(3):
        measured.history(cell("a", seed=seed), [40, 50, 51])
        measured.history(cell("b", seed=seed), [40, 45, 51, 55])
    line = measured.tested(("a", "b"), test="sooner", unit="iteration").iloc[0]
    assert (line["effect"], line["verdict"]) == (0, "inconclusive")
    for seed in range(3):
        measured.history(cell("a", seed=seed), [40, 51, 51])
    line = measured.tested(("a", "b"), test="sooner", unit="iteration").iloc[0]
    assert (line["effect"], line["verdict"], line["remark"]) == (10, "inconclusive", "never reaches it")
    for seed in range(3):
        measured.history(cell("b", seed=seed), [40, 55, 51, 55])
        measured.history(cell("a", seed=seed), [40, 40, 51])
    assert measured.tested(("a", "b"), test="sooner", unit="iteration").iloc[0]["verdict"] == "refuted"


@pytest.mark.parametrize(("ours", "expected"), [(22, "confirmed"), (23, "refuted")])
def test_a_count_of_parameters(measured, ours, expected):
    measured.learned(cell("a"), ours)
    measured.learned(cell("b"), 100)
    line = measured.tested(("a", "b"), test="fewer", ratio=0.2222).iloc[0]
    assert (line["effect"], line["verdict"]) == (ours / 100, expected)


def page_of(tmp_path, plan, *claims):
    """The page of a plan with other claims: text, pairs, and whether backbones may differ."""
    made = [
        {**plan["claims"][0], "claim": text, "pairs": pairs, "across_backbones": across}
        for text, pairs, across in claims
    ]
    write_claims(json.dumps({**plan, "claims": made}), tmp_path, tmp_path / "c.csv", tmp_path / "c.md")
    return (tmp_path / "c.md").read_text(encoding="utf-8")


def test_several_claims_without_rows_are_gathered_and_say_what_each_needs(measured, tmp_path):
    measured.accuracies(cell("a"), np.full(20, 60.0))
    measured.accuracies(cell("b"), np.full(20, 50.0))
    measured.accuracies(cell("d", shot=5), np.full(20, 50.0))
    page = page_of(
        tmp_path,
        measured.plan(("a", "b")),
        ("one", [["c", "e"], ["a", "e"]], False),
        ("two", [["a", "b"], ["a", "c"]], False),
        ("three", [["c", "e"]], False),
        ("four", [["a", "d"]], False),
        ("five", [["a", "d"]], True),
    )
    assert [line for line in page.splitlines() if line.startswith("#")] == [
        "# Claims", "## two", "## Claims that are not tested", "## How to read it",
    ]  # fmt: skip
    assert page.count("The experiment") == 1
    assert [line for line in page.split("## How")[0].splitlines() if line.startswith("- ")] == [
        "- one: `e`",
        "- three: `c` and `e`",
        "- four: `a` and `d` on the same dataset and backbone, with the same ways and shots",
        "- five: `a` and `d` on the same dataset, with the same ways and shots",
    ]


def test_a_single_claim_without_rows_keeps_its_place(measured, tmp_path):
    measured.accuracies(cell("a"), np.full(20, 60.0))
    measured.accuracies(cell("b"), np.full(20, 50.0))
    plan, tested = measured.plan(("a", "b")), ("two", [["a", "b"]], False)
    page = page_of(tmp_path, plan, ("one", [["a", "c"]], False), tested)
    place = "## one\n\nhere (difference)\n\nThe experiment does not have both methods of any pair.\n\n## two\n"
    assert place in page
    assert "not tested\n" not in page
    measured.accuracies(cell("c", backbone="conv4"), np.full(20, 50.0))
    page = page_of(tmp_path, measured.plan(("a", "b")), ("one", [["a", "c"]], False), tested)
    assert "any pair on the same dataset and backbone, with the same ways and shots.\n" in page


def test_without_any_verdict_there_is_no_rule_to_read_them(measured, tmp_path):
    measured.accuracies(cell("a"), np.full(20, 60.0))
    page = page_of(tmp_path, measured.plan(("a", "b")), ("one", [["a", "b"]], False), ("two", [["b", "c"]], False))
    assert page.endswith("needs:\n\n- one: `b`\n- two: `b` and `c`\n")
    assert len(pd.read_csv(tmp_path / "c.csv")) == 0


def test_the_page_has_claim_effect_and_rule(measured, tmp_path):
    measured.accuracies(cell("a"), np.full(20, 60.0))
    measured.accuracies(cell("b"), np.full(20, 50.0))
    plan = measured.plan(("a", "b"), ("a", "c"))
    write_claims(json.dumps(plan), tmp_path, tmp_path / "c.csv", tmp_path / "c.md")
    page = (tmp_path / "c.md").read_text(encoding="utf-8")
    assert "## it is so" in page
    assert "| A vs. B | glyphs 1-shot | +10.00 ± 0.00 | 0 | confirmed |" in page
    assert "after Holm's correction" in page
    assert pd.read_csv(tmp_path / "c.csv")["verdict"].tolist() == ["confirmed"]
