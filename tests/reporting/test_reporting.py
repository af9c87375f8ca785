import json

import numpy as np
import pandas as pd
import pytest

from mtl.cell import Cell
from mtl.reporting.comparisons import write_comparisons
from mtl.reporting.convergence import write_convergence
from mtl.reporting.tables import write_table
from tests.conftest import ROOT

LAYOUT = {
    "table": "table1",
    "title": "Table 1: ablation",
    "note": "small images",
    "rows": [
        {"group": "meta-batch", "row": "SS [Θ;θ]", "method": "ss-all"},
        {"group": "controls", "row": "linear", "method": "linear"},
    ],
    "datasets": {"glyphs": {"title": "glyphs", "note": "glyphs, not the paper's data"}},
    "protocol": "default",
    "batch_norm": "running",
}


@pytest.fixture
def cells(tmp_path):
    paths = []
    for method, shot, seed, accuracies in (
        ("linear", 1, 0, [50.0, 60.0]),
        ("linear", 5, 0, [70.0, 80.0]),
        ("ss-all", 1, 0, [55.0, 65.0]),
        ("ss-all", 1, 1, [57.0, 67.0]),
        ("ss-all", 5, 0, [90.0, 90.0]),
    ):
        path = tmp_path / Cell("glyphs", "resnet12", seed, method, 5, shot).folder / "episodes.csv"
        path.parent.mkdir(parents=True)
        pd.DataFrame({"episode": range(2), "accuracy": accuracies}).to_csv(path, index=False)
        paths.append(path)
    return paths


def test_table_has_every_cell_in_the_papers_order(tmp_path, cells):
    write_table(json.dumps(LAYOUT), cells, tmp_path / "t.csv", tmp_path / "t.md")
    table = pd.read_csv(tmp_path / "t.csv")
    assert list(zip(table["method"], table["shot"], strict=True)) == [
        ("ss-all", 1), ("ss-all", 5), ("linear", 1), ("linear", 5)
    ]  # fmt: skip
    assert table["accuracy"].tolist() == [61, 90, 55, 75]
    # 1.96 s / sqrt(n), s of (50, 60) is sqrt(50)
    assert table["ci95"].tolist()[2] == pytest.approx(1.96 * np.sqrt(50) / np.sqrt(2), abs=0.005)
    assert table["episodes"].tolist() == [4, 2, 2, 2]
    assert table["seeds"].tolist() == [2, 1, 1, 1]


def test_markdown_reads_like_the_paper(tmp_path, cells):
    write_table(json.dumps(LAYOUT), cells, tmp_path / "t.csv", tmp_path / "t.md")
    lines = (tmp_path / "t.md").read_text(encoding="utf-8").splitlines()
    assert lines[:5] == ["# Table 1: ablation", "", "**small images**", "", "**glyphs, not the paper's data**"]
    assert "| | glyphs 1-shot | glyphs 5-shot |" in lines
    assert "| SS [Θ;θ] | 61.00 ± 5.77 | 90.00 ± 0.00 |" in lines


def test_figure_draws_validated_iterations_and_is_the_same_bytes_twice(tmp_path):
    labels = {"ss-all": "SS", "ss-all-ht": "SS, HT"}
    layout = {"title": "Figure 4", "note": "", "methods": labels, "datasets": LAYOUT["datasets"]}
    histories = []
    for method in layout["methods"]:
        path = tmp_path / Cell("glyphs", "resnet12", 0, method, 5, 1).folder / "history.csv"
        path.parent.mkdir(parents=True)
        path.write_text("iteration,validation_accuracy\n0,40\n1,\n2,45.5\n")
        histories.append(path)
    for name in "ab":
        write_convergence(
            json.dumps(layout), histories, *(tmp_path / f"{name}.{suffix}" for suffix in ("csv", "png", "svg"))
        )
    points = pd.read_csv(tmp_path / "a.csv")
    assert points["iteration"].tolist() == [0, 2, 0, 2]
    assert points["accuracy"].tolist() == [40, 45.5, 40, 45.5]
    for suffix in ("csv", "png", "svg"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


@pytest.mark.parametrize("experiment", ["glyphs", "miniimagenet-cpu"])
def test_the_readme_shows_the_tables_that_are_kept(experiment):
    kept = (ROOT / f"docs/results/{experiment}/table1.md").read_text(encoding="utf-8").split("\n", 2)[2].strip()
    page, mark = (ROOT / "README.md").read_text(encoding="utf-8"), f"{experiment}/table1 -->"
    assert page.split(f"<!-- {mark}")[1].split(f"<!-- /{mark}")[0].strip() == kept


def test_comparisons_are_paired_over_episodes(tmp_path, cells):
    layout = {
        "title": "Comparisons", "note": "", "pairs": [["ss-all", "linear"]],
        "labels": {"ss-all": "SS", "linear": "linear"}, "datasets": LAYOUT["datasets"],
    }  # fmt: skip
    one_seed = [path for path in cells if "seed1" not in str(path)]
    write_comparisons(json.dumps(layout), one_seed, tmp_path / "c.csv", tmp_path / "c.md")
    table = pd.read_csv(tmp_path / "c.csv")
    # 1-shot: 55 - 50 and 65 - 60; 5-shot: 90 - 70 and 90 - 80, whose s is sqrt(50).
    assert table["difference"].tolist() == [5, 15]
    assert table["ci95"].tolist() == [0, pytest.approx(9.8)]
    assert table["episodes"].tolist() == [2, 2]
    assert "| SS − linear | +5.00 ± 0.00 | +15.00 ± 9.80 |" in (tmp_path / "c.md").read_text(encoding="utf-8")
