"""Decisions and learning rates: what they run, and that nothing else runs for them or because of them."""

import json
from pathlib import Path

import pandas as pd
import pytest

from mtl.reporting.explain import explained
from tests.helpers.project import CELL, edit, make_project, planned, snakemake

REPORTS = ("results/decisions.csv", "results/rates.csv")
RATES = ("1e-3", "2e-3")
DECISIONS = {
    "zero": {"label": "θ from zero", "settings": {"meta_train": {"theta_start": "zero"}}},
    "mirrored": {"label": "mirrored at test", "settings": {"base_learner": {"flip_support": True}}},
    "random": {"label": "θ at random", "settings": {"meta_train": {"theta_start": "random"}}},
}


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = make_project(tmp_path_factory.mktemp("project"))
    edit(
        folder / "config/config.yaml",
        lambda config: config.update(methods=["ss-all", "ft-head", "linear"], shots=[1], rates=[0.001, 0.002]),
    )
    edit(folder / "config/decisions.yaml", lambda content: content.update(decisions=DECISIONS))
    assert planned(folder, *REPORTS) == sorted(
        [
            *(f"evaluating ss-all{end} on glyphs, 5-way 1-shot" for end in ("", "-zero", "-mirrored")),
            *(f"evaluating {one}-at-{rate} on glyphs, 5-way 1-shot" for one in ("ss-all", "ft-head") for rate in RATES),
            # The rate of the config is 0.002, and images are mirrored at test alone.
            *(f"meta-training {one} on glyphs, 5-way 1-shot" for one in ("ss-all", "ss-all-zero", "ss-all-at-1e-3")),
            *(f"meta-training {one} on glyphs, 5-way 1-shot" for one in ("ft-head", "ft-head-at-1e-3")),
            *(f"drawing {split} episodes of glyphs, 5-way 1-shot" for split in ("val", "test")),
            "comparing decisions",
            "comparing learning rates",
            "pre-training resnet12 on glyphs, seed 0",
            "preparing glyphs at 16 px",
            "splitting glyphs",
        ]
    )
    code, output = snakemake(folder, *REPORTS)
    assert code == 0, output
    return folder


def test_decisions(compared):
    table = pd.read_csv(compared / "results/decisions.csv").set_index("decision")
    assert table.index.tolist() == ["zero", "mirrored"]
    assert table["shared"].tolist() == ["Θ", "Θ and trained model"]
    assert (table["count"] == 8).all()
    accuracies = {
        name: pd.read_csv(compared / CELL.format(name, 1) / "episodes.csv")["accuracy"].to_numpy()
        for name in ("ss-all", "ss-all-zero", "ss-all-mirrored")
    }
    for name in table.index:
        expected = (accuracies[f"ss-all-{name}"] - accuracies["ss-all"]).mean()
        assert table.loc[name, "difference"] == pytest.approx(expected, abs=1e-3)
    assert "not run: θ at random." in (compared / "results/decisions.md").read_text(encoding="utf-8")
    for suffix in ("png", "svg"):
        assert (compared / f"results/decisions.{suffix}").stat().st_size > 100


def test_rates(compared):
    table = pd.read_csv(compared / "results/rates.csv")
    assert table[["method", "rate"]].to_numpy().tolist() == [
        ["ss-all", 0.001],
        ["ss-all", 0.002],
        ["ft-head", 0.001],
        ["ft-head", 0.002],
    ]
    assert table.groupby("method")["best"].sum().tolist() == [1, 1]
    trained = json.loads((compared / CELL.format("ss-all", 1) / "training.json").read_text())
    assert table.loc[1, "validation_accuracy"] == pytest.approx(trained["validation_accuracy"])


def test_a_cell_of_a_variant_is_explained_and_rerun_by_its_path(compared, monkeypatch):
    monkeypatch.chdir(compared)
    *_, again = explained(Path(CELL.format("ss-all-mirrored", 1)))
    assert again.startswith(f"to make it again: rm -f {CELL.format('ss-all', 1)}/model.safetensors ")
    cell = f"{CELL.format('ss-all-zero', 1)}/evaluation.json"
    partial = "comparing learning rates of the cells that exist"
    assert planned(compared, *REPORTS, "results/partial/rates.csv") == [partial]
    assert planned(compared, cell, "--forcerun", "evaluate") == ["evaluating ss-all-zero on glyphs, 5-way 1-shot"]


def test_other_reports_do_not_run_variants(compared):
    jobs = planned(compared)
    assert not [job for job in jobs if "-at-" in job or "-zero" in job or "-mirrored" in job or "comparing" in job]
    assert "evaluating linear on glyphs, 5-way 1-shot" in jobs


def test_a_change_of_one_decision_reruns_that_one(compared):
    mirrored = {**DECISIONS, "zero": {"label": "θ from zero", "settings": {"base_learner": {"steps": 3}}}}
    before = (compared / "config/decisions.yaml").read_text(encoding="utf-8")
    edit(compared / "config/decisions.yaml", lambda content: content.update(decisions=mirrored))
    assert planned(compared, *REPORTS) == [
        "comparing decisions",
        "evaluating ss-all-zero on glyphs, 5-way 1-shot",
        "meta-training ss-all-zero on glyphs, 5-way 1-shot",
    ]
    (compared / "config/decisions.yaml").write_text(before, encoding="utf-8")
