"""What the page answers in three sentences, from verdicts made by hand."""

import pandas as pd
import pytest

from mtl.reporting.page.three_sentences import claims_sentence, measured_sentence, paper_sentence

EACH = "600 test episodes per cell"


def lines(*verdicts, test="difference", claim="it is so"):
    return pd.DataFrame([{"claim": claim, "test": test, "verdict": verdict} for verdict in verdicts])


def claims(*parts):
    return claims_sentence(pd.concat(parts, ignore_index=True))


@pytest.mark.parametrize(
    ("states", "seeds", "said"),
    [
        (
            ["measured"] * 4,
            [1],
            f"All 4 cells on glyphs are measured, with one training seed and {EACH}.",
        ),
        (["measured"], [3, 3], f"1 cell on glyphs is measured, with 3 training seeds and {EACH}."),
        (["measured"], [3, 1], f"1 cell on glyphs is measured, with one or 3 training seeds and {EACH}."),
        (
            ["measured", "not-run", "failed", "stale", "not-run"],
            [1],
            f"1 of 5 cells on glyphs is measured, with one training seed and {EACH} (1 made with other settings than "
            "the config asks, 1 failed, 2 not run).",
        ),
        (["not-run"], [1], "Of 1 cell on glyphs, none is measured yet (1 not run)."),
    ],
)
def test_the_first_says_what_was_measured(states, seeds, said):
    assert measured_sentence(states, ["glyphs"], seeds, [600]) == said


def test_several_datasets_are_listed():
    said = measured_sentence(["measured"], ["miniImageNet", "CIFAR-FS", "FC100"], [1], [600, 2000])
    assert "on miniImageNet, CIFAR-FS and FC100" in said
    assert "600 or 2,000 test episodes" in said


def test_one_seed_is_no_conclusion():
    said = claims(lines("one-seed", "one-seed"), lines("confirmed", test="fewer", claim="fewer values"))
    assert said == (
        "One seed is no conclusion: none of the 2 comparisons behind the claims is tested, so they say how these "
        "models differ, not what training again would give; only numbers of learned values have a verdict."
    )


def test_a_single_comparison_is_not_counted():
    assert claims(lines("one-seed")) == (
        "One seed is no conclusion: the only comparison behind the claims is not tested, so it says how these two "
        "models differ, not what training again would give."
    )


def test_two_seeds_are_none_either():
    assert claims(lines("two-seeds", "two-seeds")).startswith("Two seeds are no conclusion: none of the 2 comparisons")


def test_three_seeds_are_counted_by_claim():
    said = claims(
        lines("confirmed", "confirmed", claim="a"),
        lines("confirmed", "inconclusive", claim="b"),
        lines("refuted", "confirmed", claim="c"),
        lines("inconclusive", "not-run", claim="d"),
        lines("not-run", claim="e"),
        lines("confirmed", test="fewer", claim="f"),
    )
    assert said == (
        "Of the 5 claims that can be tested here, 2 are confirmed in every tested comparison, one is refuted in at "
        "least one, and 2 stay open; 2 further comparisons cannot be tested."
    )


def test_models_that_no_training_changed_say_nothing_of_meta_training():
    assert claims(lines("not-trained", "not-trained")) == (
        "Nothing can be concluded about meta-training: in all of the 2 comparisons behind the claims, a model is that "
        "of iteration 0, which meta-training has not changed."
    )
    assert claims(lines("one-seed", "not-trained")).endswith(
        "; in 1 of them, a model is that of iteration 0, which meta-training has not changed."
    )


def test_without_cells_there_is_nothing_to_conclude():
    assert claims(lines("not-run", "stale")) == (
        "Nothing can be concluded: of the 2 comparisons behind the claims, none has both of its cells."
    )
    assert claims(lines()) == "The experiment has no pair of methods that a claim of the paper is about."


def table(*lines):
    return pd.DataFrame(lines, columns=["accuracy", "published", "verdict"]).astype(
        {"accuracy": float, "published": float}
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(50, None, "no-reference")], "The paper prints no number for glyphs, so none is compared with it."),
        ([(None, 60, "not-run"), (None, 40, "quoted")], "None of the paper's numbers is measured here."),
        (
            [(50, 60, "other-scale (48 px)"), (51, 60, "other-scale (48 px)")],
            "None of the 2 numbers that the paper also prints is judged against it, because they were made at another "
            "scale or by another protocol than the paper's.",
        ),
        ([(50, 60, "no-reference")], "The paper prints 1 number of these without an interval, so none is judged."),
        (
            [(60, 60, "agrees"), (61, 60, "agrees"), (70, 60, "higher"), (50, 60, "no-reference")],
            "Of the 3 numbers that can be judged against the paper's, 2 agree, one is higher and none is lower; 1 "
            "further number cannot be judged.",
        ),
    ],
)
def test_the_third_compares_with_the_paper(rows, said):
    assert paper_sentence([table(*rows)], ["glyphs"]) == said
