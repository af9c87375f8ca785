"""Claims without rows on the page of claims."""

import numpy as np
import pandas as pd

from tests.helpers.measured import cell, page_of


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
