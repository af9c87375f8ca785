import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from mtl.reporting.curves import band
from mtl.reporting.figure_style import LABEL_HEIGHT, label_ends, moved_apart
from mtl.reporting.figures import figure4, forest, scales_and_shifts, tasks_seen
from tests.helpers.learners import ROOT
from tests.helpers.table import PLAN, cell


def drawn(write, tmp_path, *arguments):
    """Draws twice; the bytes must be the same. Returns what was drawn."""
    for name in "ab":
        pictures = [tmp_path / f"{name}.png", tmp_path / f"{name}.svg"]
        write(
            json.dumps({**PLAN, "methods": {"ss-all": "SS", "linear": "linear"}}),
            *arguments,
            tmp_path / f"{name}.csv",
            pictures,
        )
    for suffix in ("csv", "png", "svg"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    return pd.read_csv(tmp_path / "a.csv")


def test_figure4_has_test_validation_and_published_curves(tmp_path):
    folder = tmp_path / cell("ss-all", 1).folder
    folder.mkdir(parents=True)
    (folder / "history.csv").write_text("iteration,validation_accuracy\n0,40\n1,\n200,45.5\n")
    (folder / "curve.csv").write_text("iteration,accuracy,ci95\n0,41,1\n200,44,1\n")
    published = ROOT / "config/published/figure4.csv"
    points = drawn(figure4.write, tmp_path, published, tmp_path)
    by_kind = {kind: list(rows["accuracy"]) for kind, rows in points.groupby("kind")}
    assert by_kind["test"] == [41, 44]
    assert by_kind["validation"] == [40, 45.5]
    assert (len(by_kind["published"]), by_kind["published"][:2]) == (24, [53.33, 58.0])


def test_tasks_seen_has_validations_and_what_is_published(tmp_path):
    folder = tmp_path / cell("ss-all", 1).folder
    folder.mkdir(parents=True)
    (folder / "history.csv").write_text("iteration,tasks_seen,validation_accuracy\n0,2,40\n1,4,\n200,402,45.5\n")
    (tmp_path / "methods.csv").write_text(
        "method,backbone,dataset,way,shot,accuracy,ci95,source\n"
        "ss-all,resnet12,miniimagenet,5,1,60.2,1.8,x\nss-all,resnet12,miniimagenet,5,5,74.3,0.9,x\n"
    )
    points = drawn(tasks_seen.write, tmp_path, tmp_path / "methods.csv", tmp_path)
    assert points["kind"].tolist() == ["validation", "validation", "published"]
    assert points["tasks_seen"].tolist()[:2] == [2, 402]
    assert points["accuracy"].tolist() == [40, 45.5, 60.2]
    assert "SS (published 60.2)" in (tmp_path / "a.svg").read_text(encoding="utf-8")


def test_the_forest_has_every_cell(tmp_path, published, results):
    points = drawn(forest.write, tmp_path, published, results)
    assert points["method"].tolist() == ["ss-all", "linear", "ss-all"]
    assert points["published"].tolist()[0] == 60
    assert points["accuracy"].tolist() == [61, 55, 90]


def test_the_forest_has_intervals_over_seeds_where_there_are_three(tmp_path, published, results):
    cells = [cell("ss-all", 1, seed=seed) for seed in range(3)] + [cell("linear", 1, seed=seed) for seed in range(2)]
    for one, accuracy in zip(cells, [59, 60, 61, 50, 52], strict=True):
        (results / one.folder).mkdir(parents=True, exist_ok=True)
        (results / one.folder / "episodes.csv").write_text(f"episode,accuracy\n0,{accuracy - 1}\n1,{accuracy + 1}\n")
    plan = {**PLAN, "cells": [one.folder for one in cells], "methods": {"ss-all": "SS", "linear": "linear"}}
    csv = tmp_path / "f.csv"
    forest.write(json.dumps(plan), published, results, csv, [])
    points = pd.read_csv(csv).set_index("method")
    # Student's t for 2 degrees of freedom is 4.303, the standard error 1/√3.
    assert points.loc["ss-all", "ci95_seeds"] == pytest.approx(4.303 / 3**0.5, abs=1e-3)
    assert np.isnan(points.loc["linear", "ci95_seeds"])


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ([("a", 0), ("b", 0)], "one seed; band: episodes"),
        ([("a", 0), ("a", 1), ("b", 0), ("b", 1)], "curve: mean of 2 seeds; band: their range"),
        ([("a", 0), ("a", 1), ("b", 0)], "curve: mean of 2 seeds; band: their range; or one seed; band: episodes"),
    ],
)
def test_a_figure_says_what_its_bands_are(seeds, said):
    place = {"dataset": "glyphs", "backbone": "conv4", "way": 5, "shot": 1}
    assert band(pd.DataFrame([{**place, "method": method, "seed": seed} for method, seed in seeds]), "episodes") == said


def test_scales_and_shifts_are_counted(tmp_path):
    folder = tmp_path / cell("ss-all", 1).folder
    folder.mkdir(parents=True)
    values = {"10.scale": np.array([1.3]), "9.scale": np.array([[0.8, 0.9]]), "9.shift": np.array([0.1, -0.1])}
    save_file({**values, "theta_weight": np.ones(3)}, folder / "model.safetensors")
    published = ROOT / "config/published/scale-shift.csv"
    lines = drawn(scales_and_shifts.write, tmp_path, published, tmp_path).set_index(["kind", "layer"])
    assert lines["values"].to_dict() == {
        ("scale", "1"): 2, ("scale", "2"): 1, ("scale", "all"): 3, ("shift", "1"): 2, ("shift", "all"): 2,
    }  # fmt: skip
    assert lines.loc[("scale", "1"), "median"] == pytest.approx(0.85)
    assert lines.loc[("scale", "all"), "mean"] == pytest.approx(1)
    assert lines.loc[("shift", "all"), "width"] == pytest.approx(0.1)
    assert lines["mean_published"].dropna().tolist() == [0.994, 7.5e-4]


def test_labels_in_a_column_stand_apart_whatever_ends_where():
    _, axis = plt.subplots()
    axis.set_ylim(0, 10)
    ends = [(1.0, 5.0, "a", (0, 0, 0)), (2.0, 5.1, "b", (0, 0, 0)), (3.0, 9.0, "c", (0, 0, 0))]
    label_ends(axis, ends, height=3.0, column=4.0)
    places = [text.get_position() for text in axis.texts]
    assert [text.get_text() for text in axis.texts] == ["a", "b", "c"]
    assert {x for x, _ in places} == {4.0}
    assert places[1][1] - places[0][1] == pytest.approx(10 * LABEL_HEIGHT / 3)
    plt.close()


def test_labels_are_moved_apart_as_little_as_need_be():
    assert moved_apart([1.0, 4.0], 2.0) == [1, 4]
    # Three that touch lie about their mean; the fourth is pushed into them, and moves them.
    assert moved_apart([0.0, 1.0, 2.0, 3.0], 2.0) == [-1.5, 0.5, 2.5, 4.5]


def test_other_ways_have_panels_of_their_own_and_nothing_printed_beside_them(tmp_path, published, results):
    cells = [cell("ss-all", shot, way=way) for way in (20, 5) for shot in (5, 1)]
    for one in cells:
        (results / one.folder).mkdir(parents=True, exist_ok=True)
        (results / one.folder / "episodes.csv").write_text("episode,accuracy\n0,50\n1,60\n")
        save_file({"a.scale": np.ones(2), "a.shift": np.ones(2)}, results / one.folder / "model.safetensors")
    plan = {**PLAN, "cells": [one.folder for one in cells], "methods": {"ss-all": "SS"}}
    csv = tmp_path / "f.csv"
    forest.write(json.dumps(plan), published, results, csv, [])
    points = pd.read_csv(csv)
    assert points[["way", "shot"]].to_numpy().tolist() == [[5, 1], [5, 5], [20, 1], [20, 5]]
    assert points["published"].notna().tolist() == [True, True, False, False]
    scales_and_shifts.write(json.dumps(plan), ROOT / "config/published/scale-shift.csv", results, csv, [])
    lines = pd.read_csv(csv).dropna(subset=["mean_published"])
    assert lines[["way", "shot", "kind"]].to_numpy().tolist() == [[5, 1, "scale"], [5, 1, "shift"]]
