import json
import shutil

import numpy as np
import pandas as pd
import pytest

from mtl.reporting.published import Number, verdict
from mtl.reporting.tables import write_table
from mtl.runtime.errors import UserError
from tests.helpers.learners import ROOT
from tests.helpers.table import PLAN, PUBLISHED, cell


def tabled(tmp_path, published, results, plan=PLAN):
    write_table(json.dumps(plan), published, results, tmp_path / "logs", tmp_path / "t.csv", tmp_path / "t.md")
    table = pd.read_csv(tmp_path / "t.csv").set_index(["method", "shot"])
    return table, (tmp_path / "t.md").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("measured", "printed", "other", "expected"),
    [
        ((60, 0.8), Number(60.5, 0.8), "", "agrees"),
        ((60, 3.0), Number(64.0, 4.0), "", "agrees"),
        ((60, 3.0), Number(65.0, 4.0), "", "agrees"),  # exactly sqrt(3² + 4²)
        ((60, 3.0), Number(65.01, 4.0), "", "lower"),
        ((66, 3.0), Number(60.9, 4.0), "", "higher"),
        ((60, 3.0), Number(60.0, None), "", "no-reference"),
        ((60, 3.0), None, "", "no-reference"),
        ((60, 3.0), Number(60.0, 4.0), "other-scale (48 px)", "other-scale (48 px)"),
        ((60, 3.0), None, "other-scale (48 px)", "no-reference"),
    ],
)
def test_verdicts_of_one_seed(measured, printed, other, expected):
    assert verdict(*measured, np.nan, printed, other) == expected


@pytest.mark.parametrize(("printed", "expected"), [(73.0, "agrees"), (73.01, "lower"), (46.99, "higher")])
def test_verdicts_of_several_seeds_have_their_spread_in_the_margin(printed, expected):
    """sqrt(3² + 12² + 4²) = 13"""
    assert verdict(60, 3.0, 12.0, Number(printed, 4.0), "") == expected


def test_a_table_judges_several_seeds_by_their_spread(tmp_path, published, results):
    """Three seeds that lie 5 points apart; the episodes of each differ by a point, the printed number by 6."""
    cells = {cell("ss-all", 1, seed).folder: 0 for seed in range(3)}
    for folder, mean in zip(cells, (61, 66, 71), strict=True):
        (results / folder).mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"accuracy": [mean - 0.5, mean + 0.5]}).to_csv(results / folder / "episodes.csv")
    table, lines = tabled(tmp_path, published, results, {**PLAN, "cells": cells})
    line = table.loc[("ss-all", 1)]
    # s = 5, t(0.975, 2) = 4.303
    assert line["ci95_seeds"] == pytest.approx(4.303 * 5 / np.sqrt(3), abs=0.01)
    assert (line["delta"], line["verdict"]) == (6, "agrees")
    assert "√(ci95² + ci95_seeds² + printed ci95²)" in lines[-1]
    first = dict([next(iter(cells.items()))])
    pd.DataFrame({"accuracy": [65.5, 66.5]}).to_csv(results / next(iter(first)) / "episodes.csv")
    table, lines = tabled(tmp_path, published, results, {**PLAN, "cells": first})
    assert table.loc[("ss-all", 1)]["verdict"] == "higher"
    assert any("does not contain what another seed would change" in line for line in lines)


def test_table_has_the_printed_rows_first_and_pools_seeds(tmp_path, published, results):
    table, _ = tabled(tmp_path, published, results)
    assert list(table.index) == [("protonet", 1), ("ss-all", 1), ("ss-all", 5), ("linear", 1), ("linear", 5)]
    pooled = table.loc[("ss-all", 1)]
    assert (pooled["row"], pooled["accuracy"], pooled["episodes"], pooled["seeds"]) == ("SS [Θ;θ]", 61, 4, 2)
    # Seeds have means 60 and 62: s = √2, sem = 1, t(0.975, 1) = 12.706.
    assert pooled["ci95_seeds"] == pytest.approx(12.71)
    # 1.96 s / sqrt(n), s of (50, 60) is sqrt(50).
    assert table.loc[("linear", 1)]["ci95"] == pytest.approx(1.96 * np.sqrt(50) / np.sqrt(2), abs=0.005)
    assert np.isnan(table.loc[("linear", 1)]["ci95_seeds"])


def test_table_compares_with_what_is_printed(tmp_path, published, results):
    table, _ = tabled(tmp_path, published, results)
    assert table["verdict"].tolist() == ["quoted", "agrees", "no-reference", "no-reference", "not-run"]
    assert table.loc[("ss-all", 1)][["published", "published_ci95", "delta"]].tolist() == [60, 1.8, 1]
    assert table.loc[("protonet", 1)]["published"] == 49.4
    assert np.isnan(table.loc[("protonet", 1)]["accuracy"])


def test_a_number_that_was_made_otherwise_is_shown_but_not_judged(tmp_path, published, results):
    table, lines = tabled(tmp_path, published, results, {**PLAN, "cells": dict.fromkeys(PLAN["cells"], 1)})
    line = table.loc[("ss-all", 1)]
    assert line["verdict"] == "other-scale (48 px); other-protocol (running statistics)"
    assert line["differences"] == "image_size: 48 (paper: 84); batch_norm: running (paper: episode)"
    assert line["delta"] == 1
    assert "| 60.00 ± 1.80, not judged [1] (+1.0) |" in "".join(lines)
    assert "[1] other-scale (48 px); other-protocol (running statistics)" in lines
    explained = next(line for line in lines if line.startswith("Verdicts: "))
    assert all(f"`{name}`" in explained for name in ("agrees", "other-scale", "other-protocol", "no-reference"))
    # What has no printed counterpart does not differ from it.
    assert table.loc[("linear", 1)][["verdict", "differences"]].fillna("").tolist() == ["no-reference", ""]


def test_the_lines_below_a_table_say_what_was_run(tmp_path, published, results):
    _, lines = tabled(tmp_path, published, results)
    assert "What was run: 84 px; episode statistics." in lines
    some = {**PLAN["cells"], cell("linear", 1).folder: 1, cell("linear", 5).folder: 1}
    _, lines = tabled(tmp_path, published, results, {**PLAN, "cells": some})
    assert "What was run: 84 or 48 px; episode or running statistics." in lines


def test_a_cell_whose_log_ends_with_an_error_has_failed(tmp_path, published, results):
    log = tmp_path / "logs" / cell("linear", 5).folder / "evaluate.log"
    log.parent.mkdir(parents=True)
    for last_line, expected in (("[evaluate] 3/600", "not-run"), ("mtl: error: no weights", "failed")):
        log.write_text(f"something\n{last_line}\n")
        table, _ = tabled(tmp_path, published, results)
        assert table.loc[("linear", 5)]["verdict"] == expected


def test_cells_have_failed_if_their_pretraining_has(tmp_path, published, results):
    log = tmp_path / "logs" / cell("linear", 5).pretraining / "pretrain.log"
    log.parent.mkdir(parents=True)
    log.write_text("mtl: error: diverged\n")
    table, _ = tabled(tmp_path, published, results)
    assert table.loc[("linear", 5)]["verdict"] == "failed"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "episode\n0\n",
        "episode,accuracy\n0,50\n",
        "episode,accuracy\n0,50\n1,x\n",
        "accuracy\n50\n101\n",
        "accuracy\n50\n\n",
        "accuracy\n50\nnan\n",
    ],
)
def test_accuracies_that_are_none_are_one_line(tmp_path, published, results, content):
    (results / cell("linear", 1).folder / "episodes.csv").write_text(content)
    with pytest.raises(UserError, match=r"5way-1shot/episodes\.csv: ") as caught:
        tabled(tmp_path, published, results)
    assert "\n" not in str(caught.value)


def test_markdown_reads_like_the_paper(tmp_path, published, results):
    _, lines = tabled(tmp_path, published, results)
    assert lines[:5] == ["# Table 1: ablation", "", "**small images**", "", "**not the paper's data**"]
    head = "|  | feature extractor | miniImageNet 1-shot | paper | miniImageNet 5-shot | paper |"
    assert head in lines
    assert "| ProtoNets | 4CONV | – | 49.40 ± 0.80, quoted | – |  |" in lines
    expected = (
        "| 61.00 ± 5.77 (seeds ± 12.71) | 60.00 ± 1.80, agrees (+1.0) | 90.00 ± 0.00 | 74.30, no-reference (+15.7) |"
    )
    assert f"| SS [Θ;θ] | ResNet-12 (pre) {expected}" in lines
    assert [
        line for line in lines if line.startswith("Verdicts: `agrees`") and "`quoted`" in line and "`lower`" not in line
    ]


def test_a_table_of_nothing_says_so(tmp_path, published):
    table, lines = tabled(tmp_path, published, tmp_path / "nothing")
    assert set(table["verdict"]) == {"quoted", "not-run"}
    assert "Nothing was measured yet." in lines


def test_without_printed_numbers_there_is_no_column_for_them(tmp_path, published, results):
    published.write_text(PUBLISHED.splitlines()[0] + "\n")
    _, lines = tabled(tmp_path, published, results)
    assert "|  | miniImageNet 1-shot | miniImageNet 5-shot |" in lines
    assert not any("Verdicts" in line for line in lines)


@pytest.fixture
def with_20_ways(results):
    """A plan with another column: `ss-all` at 20 ways, 1 shot."""
    other = cell("ss-all", 1, way=20)
    (results / other.folder).mkdir(parents=True)
    shutil.copy(results / cell("ss-all", 1).folder / "episodes.csv", results / other.folder)
    cells = {**PLAN["cells"], other.folder: 0}
    return {**PLAN, "cells": cells, "columns": [*PLAN["columns"], ["miniimagenet", 20, 1]]}


def test_ways_that_differ_have_columns_of_their_own(tmp_path, published, results, with_20_ways):
    _, lines = tabled(tmp_path, published, results, with_20_ways)
    heads = "miniImageNet 5-way 1-shot | paper | miniImageNet 5-way 5-shot | paper | miniImageNet 20-way 1-shot |"
    assert f"|  | feature extractor | {heads}" in lines
    assert [line for line in lines if line.startswith("Accuracy in percent, mean over 2, 4 test episodes ")]
    _, lines = tabled(tmp_path, published, results, {**with_20_ways, "columns": [["miniimagenet", 20, 1]]})
    assert "|  | miniImageNet 1-shot |" in lines
    assert [line for line in lines if line.startswith("20-way accuracy in percent, mean over 2 test episodes ")]


def test_a_number_of_other_ways_is_not_compared_with_a_printed_one(tmp_path, published, results, with_20_ways):
    _, lines = tabled(tmp_path, published, results, with_20_ways)
    table = pd.read_csv(tmp_path / "t.csv").set_index(["method", "way", "shot"])
    assert table.loc[("ss-all", 5, 1), ["accuracy", "published", "verdict"]].tolist() == [61, 60, "agrees"]
    assert table.loc[("ss-all", 20, 1), ["accuracy", "verdict"]].tolist() == [60, "no-reference"]
    assert table.loc[("ss-all", 20, 1), ["published", "published_ci95", "delta"]].isna().all()
    # What is only printed has no line for them.
    assert [way for method, way, _ in table.index if method == "protonet"] == [5]
    assert "| ProtoNets | 4CONV | – | 49.40 ± 0.80, quoted | – |  | – |" in lines


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("table,row\n", "has no column 'group'"),
        (PUBLISHED.replace("49.4", "49,4"), "line 2: has more values than there are columns"),
        (PUBLISHED.replace("49.4", "?"), "line 2: accuracy: '\\?' is not a number"),
    ],
)
def test_a_bad_published_file_is_one_line(tmp_path, results, content, message):
    (tmp_path / "published.csv").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        tabled(tmp_path, tmp_path / "published.csv", results)


@pytest.mark.parametrize(("experiment", "page"), [("glyphs", "README.md"), ("miniimagenet-cpu", "docs/real-data.md")])
def test_the_documentation_shows_the_tables_that_are_kept(experiment, page):
    kept = (ROOT / f"docs/results/{experiment}/table1.md").read_text(encoding="utf-8").split("\n", 2)[2]
    kept = kept.split("\n## ")[0].strip()
    text, mark = (ROOT / page).read_text(encoding="utf-8"), f"{experiment}/table1 -->"
    assert text.split(f"<!-- {mark}")[1].split(f"<!-- /{mark}")[0].strip() == kept
