"""Snapshots and what is measured on them."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from mtl.evaluation.curve import curve
from mtl.evaluation.evaluate import EvaluateInputs, EvaluatePaths, evaluate
from mtl.runtime.errors import UserError
from tests.helpers.stages import evaluate_spec, run_meta_train

SPEC = evaluate_spec("ss-all", [5])


def inputs(tiny, model=None):
    files = (tiny / name for name in ("images.npy", "split.csv", "test.npz", "val.npz", "theta.safetensors"))
    return EvaluateInputs(*files, model)


def test_a_fixed_iteration_is_kept_and_is_its_snapshot(tiny, tmp_path):
    paths = run_meta_train(tiny, tmp_path, "ss-all", validate_every=3, selected=4, snapshots=[0, 4, 6])
    assert json.loads(paths.summary.read_text())["selected_iteration"] == 4
    model, snapshots = load_file(paths.model), load_file(paths.snapshots)
    assert {name.partition("/")[0] for name in snapshots} == {"0", "4", "6"}
    assert all(torch.equal(value, snapshots[f"4/{name}"]) for name, value in model.items())
    assert not all(torch.equal(value, snapshots[f"6/{name}"]) for name, value in model.items())


def test_without_snapshots_the_file_is_empty(tiny, tmp_path):
    assert load_file(run_meta_train(tiny, tmp_path, "ss-all").snapshots) == {}


def test_the_curve_is_the_evaluation_of_each_snapshot(tiny, tmp_path):
    paths = run_meta_train(tiny, tmp_path, "ss-all", selected=4, snapshots=[0, 4])
    written = EvaluatePaths(tmp_path / "episodes.csv", tmp_path / "predictions.npz", tmp_path / "evaluation.json")
    evaluate(SPEC, inputs(tiny, paths.model), written)
    curve(SPEC, inputs(tiny), paths.snapshots, tmp_path / "evaluation.json", tmp_path / "curve.csv")
    points = pd.read_csv(tmp_path / "curve.csv").set_index("iteration")
    summary = json.loads((tmp_path / "evaluation.json").read_text())
    assert list(points.index) == [0, 4]
    assert points.loc[4].tolist() == pytest.approx([summary["accuracy"], summary["ci95"]], abs=1e-4)


def test_the_curve_takes_the_steps_that_validation_chose(tiny, tmp_path, monkeypatch):
    paths = run_meta_train(tiny, tmp_path, "ss-all", snapshots=[0])
    (tmp_path / "evaluation.json").write_text('{"steps": 7}')
    seen = []

    def score(learner, sets, episodes):
        seen.append(learner.steps)
        return np.ones(3)

    monkeypatch.setattr("mtl.evaluation.curve.score", score)
    spec = evaluate_spec("ss-all", [1, 7])
    curve(spec, inputs(tiny), paths.snapshots, tmp_path / "evaluation.json", tmp_path / "curve.csv")
    assert seen == [7]


def test_a_file_that_holds_no_snapshots_is_one_line(tiny, tmp_path):
    (tmp_path / "evaluation.json").write_text('{"steps": 7}')
    with pytest.raises(UserError, match="not the snapshots of a meta-training"):
        curve(SPEC, inputs(tiny), tiny / "theta.safetensors", tmp_path / "evaluation.json", tmp_path / "curve.csv")
