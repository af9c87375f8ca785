"""A survey of three methods, by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from mtl.reporting.survey_table import write_survey
from mtl.runtime.errors import UserError
from tests.helpers.measured import Measured, cell

# Student's t at 0.975 with 1 degree of freedom.
T = 12.706204736174698
PUBLISHED = """method,backbone,dataset,way,shot,accuracy,ci95,source
b,resnet12,glyphs,5,1,49.4,0.8,someone
b,resnet12,glyphs,5,5,68.2,,someone
"""
TABLES = """method,backbone,dataset,way,shot,accuracy,ci95,source
c,resnet12,glyphs,5,1,50,1.8,the paper
c,resnet12,glyphs,5,1,51,,the paper again
"""
DATASETS = {"glyphs": {"title": "glyphs", "note": ""}}


def row(method, label, trained=False):
    return {
        "group": "all", "row": label, "method": method, "backbone": "resnet12", "trained": trained
    }  # fmt: skip


def written(folder, cells, against=("c",), stale=()):
    (folder / "methods.csv").write_text(PUBLISHED)
    (folder / "tables.csv").write_text(TABLES)
    plan = {
        "table": "table2_measured", "title": "Measured", "note": "", "datasets": DATASETS,
        "against": {method: method.upper() for method in against},
        "rows": [row("a", "A"), row("b", "B", trained=True), row("c", "C")],
        "cells": {one.folder: "running" for one in cells}, "asked": {folder: {"evaluate": "0"} for folder in stale},
    }  # fmt: skip
    files = [folder / f"t.{suffix}" for suffix in ("csv", "md", "png", "svg")]
    printed = folder / "methods.csv", folder / "tables.csv"
    write_survey(json.dumps(plan), *printed, folder, folder / "benchmarks", *files[:2], files[2:])
    return pd.read_csv(files[0]).set_index("method"), files[1].read_text()


@pytest.fixture
def trio(tmp_path):
    made = Measured(tmp_path)
    made.accuracies(cell("a"), [50.0, 60.0, 70.0])
    made.accuracies(cell("b"), [53.0, 60.0, 76.0])
    made.accuracies(cell("c"), [49.0, 59.0, 69.0])
    record = {
        "selected_iteration": 150, "learned_parameters": 1234,
        "provenance": {"spec": {"meta_train": {"tasks": 4}}},
    }  # fmt: skip
    (tmp_path / cell("b").folder / "training.json").write_text(json.dumps(record))
    for one, job, seconds in (("a", "evaluate", 3.0), ("b", "evaluate", 4.0), ("b", "meta-train", 100.5)):
        path = tmp_path / "benchmarks" / cell(one).folder / f"{job}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"cpu_time": 15.0, "s": seconds}) + "\n")
    return tmp_path


CELLS = [cell("a"), cell("b"), cell("c")]


def test_differences_are_over_the_same_episodes(trio):
    table, page = written(trio, CELLS)
    assert table.loc["a", ["minus_c", "minus_c_ci95"]].tolist() == [1.0, 0.0]
    assert table.loc["b", "minus_c"] == pytest.approx(4.0)
    assert table.loc["b", "minus_c_ci95"] == pytest.approx(1.96 * np.std([4, 1, 7], ddof=1) / np.sqrt(3), abs=1e-4)
    assert np.isnan(table.loc["c", "minus_c"])
    assert "over episodes" in page


def test_cost_is_that_of_all_jobs_or_unknown(trio):
    table, page = written(trio, CELLS)
    assert table.loc["b", ["tasks_seen", "learned_parameters", "seconds"]].tolist() == [600, 1234, 104.5]
    assert table.loc["a", ["tasks_seen", "learned_parameters", "seconds"]].tolist() == [0, 0, 3]
    assert np.isnan(table.loc["c", "seconds"])
    (trio / "benchmarks" / cell("b").folder / "meta-train.jsonl").unlink()
    (trio / "benchmarks" / cell("a").folder / "evaluate.jsonl").write_text('{"s": "NA"}\n')
    assert written(trio, CELLS)[0]["seconds"].isna().all()
    assert "| B | running | 63.00 ± 13.34 | +4.00 ± 3.39 | 1 (1–1) | 600 | 1,234 | 104 | 49.40 ± 0.80 |" in page


def test_published_numbers_stand_beside_those_of_their_method_and_shots(trio):
    table, _ = written(trio, CELLS)
    assert table["published"].dropna().to_dict() == {"b": 49.4, "c": 50.0}


def test_with_several_seeds_the_difference_is_over_seeds(trio):
    made = Measured(trio)
    for method, values in (("a", [60.0, 64.0]), ("b", [60.0, 62.0]), ("c", [58.0, 60.0])):
        made.accuracies(cell(method), [values[0]] * 2)
        made.accuracies(cell(method, seed=1), [values[1]] * 2)
    (trio / cell("b", seed=1).folder / "training.json").write_bytes(
        (trio / cell("b").folder / "training.json").read_bytes()
    )
    table, page = written(trio, [*CELLS, *(cell(one, seed=1) for one in "abc")])
    assert table.loc["a", "minus_c"] == 3.0
    assert table.loc["a", "minus_c_ci95"] == pytest.approx(T * 1.0, abs=1e-3)
    assert table.loc["a", ["seeds", "episodes"]].tolist() == [2, 4]
    assert "over seeds" in page


def test_rows_with_other_seeds_are_compared_over_those_that_both_have(trio):
    """Method a has seeds 0 and 1, the others seed 0 alone."""
    Measured(trio).accuracies(cell("a", seed=1), [90.0, 95.0, 100.0])
    alone, _ = written(trio, CELLS)
    table, page = written(trio, [*CELLS, cell("a", seed=1)])
    assert table["seeds"].to_dict() == {"a": 2, "b": 1, "c": 1}
    names = ["minus_c", "minus_c_ci95", "rank", "rank_low", "rank_high"]
    pd.testing.assert_frame_equal(table[names], alone[names])
    assert "over seeds (Student's t), or episodes of one seed" in page


def test_a_number_of_other_settings_is_not_shown(trio):
    path = trio / cell("a").folder / "evaluation.json"
    path.write_text(json.dumps({"provenance": {"spec": {}, "inputs": {}, "device": "cpu", "dtype": "float32"}}))
    table, page = written(trio, CELLS, stale=[cell("a").folder])
    assert table.loc["a", "remark"] == "stale"
    assert np.isnan(table.loc["a", "accuracy"])
    assert "| A | running | stale |" in page


def test_a_method_that_was_not_run_is_not_compared_with(trio):
    table, _ = written(trio, CELLS, against=("c", "d"))
    assert table["minus_d"].isna().all()


def test_a_method_without_all_its_seeds_has_no_number(trio):
    Measured(trio).accuracies(cell("a", seed=1), [50.0, 60.0, 70.0])
    both = [cell(one, seed=seed) for seed in (0, 1) for one in "abc"]
    table, _ = written(trio, both, against=())
    assert table.loc[["b", "c"], "remark"].tolist() == ["not-run", "not-run"]
    assert table.loc["a", "seeds"] == 2


def test_no_method_with_all_its_seeds_is_an_error(trio):
    with pytest.raises(UserError, match="table2_measured: no method was evaluated"):
        written(trio, [cell(one, seed=seed) for seed in (0, 1) for one in "abc"])


def test_nothing_measured_is_an_error(tmp_path):
    with pytest.raises(UserError, match="table2_measured: no method was evaluated"):
        written(tmp_path, CELLS)
