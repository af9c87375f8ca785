"""Tasks of other numbers of classes in the same table."""

import pandas as pd

from tests.helpers.project import edit, make_project, planned, snakemake

REPORTS = ("results/table1.csv", "results/claims.csv")


def test_more_ways_are_more_columns_and_leave_what_is_there_alone(tmp_path):
    folder = make_project(tmp_path)
    edit(folder / "config/config.yaml", lambda config: config.update(methods=["linear", "ss-all"], shots=[1]))
    code, output = snakemake(folder, *REPORTS)
    assert code == 0, output
    before = pd.read_csv(folder / "results/table1.csv")
    assert "|  | glyphs 1-shot |" in (folder / "results/table1.md").read_text(encoding="utf-8")

    edit(folder / "config/config.yaml", lambda config: config["grids"].append({"ways": [10]}))
    assert planned(folder, *REPORTS) == [
        "building table1",
        "drawing test episodes of glyphs, 10-way 1-shot",
        "drawing val episodes of glyphs, 10-way 1-shot",
        "evaluating linear on glyphs, 10-way 1-shot",
        "evaluating ss-all on glyphs, 10-way 1-shot",
        "meta-training ss-all on glyphs, 10-way 1-shot",
        "testing the claims",
    ]
    code, output = snakemake(folder, *REPORTS)
    assert code == 0, output
    table = pd.read_csv(folder / "results/table1.csv")
    pd.testing.assert_frame_equal(table[table["way"] == 5].reset_index(drop=True), before)
    assert table["method"].tolist() == ["ss-all", "ss-all", "linear", "linear"]
    assert table["way"].tolist() == [5, 10, 5, 10]
    assert (table["episodes"] == 8).all()
    assert set(table["verdict"]) == {"no-reference"}
    page = (folder / "results/table1.md").read_text(encoding="utf-8")
    assert "|  | glyphs 5-way 1-shot | glyphs 10-way 1-shot |" in page
    assert "\nAccuracy in percent, mean over 8 test episodes " in page
    assert pd.read_csv(folder / "results/claims.csv")["way"].tolist() == [5, 10]
    claims = (folder / "results/claims.md").read_text(encoding="utf-8")
    assert "| SS [Θ;θ] vs. linear head, θ = 0 | glyphs 10-way 1-shot |" in claims
    assert claims.count("The experiment lacks rows that these claims compare.") == 1
