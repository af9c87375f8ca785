"""`mtl show` and `mtl compare` on kept results."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from mtl.reporting.compare_cells import compared_cells
from mtl.reporting.settings import by_section, different
from mtl.reporting.show_cell import shown
from mtl.runtime.errors import UserError
from tests.helpers.learners import ROOT

KEPT = ROOT / "docs/results/miniimagenet-cpu/miniimagenet/resnet12/seed0"
SEED = "results/miniimagenet/resnet12/seed0"


@pytest.fixture
def seed(tmp_path, monkeypatch):
    """Some cells, to change, in a project that has nothing else."""
    folder = tmp_path / SEED
    for cell in ("ss-all/5way-1shot", "ss-all/5way-5shot", "linear/5way-1shot"):
        shutil.copytree(KEPT / cell, folder / cell)
    shutil.copytree(KEPT / "pretrain", folder / "pretrain")
    monkeypatch.chdir(tmp_path)
    return folder


def text(path, width=80):
    return "\n".join(shown(path, width))


def said(path):
    """The same, whatever the lines are broken at."""
    return " ".join(text(path).split())


def change(path, *keys, to):
    record = json.loads(path.read_text())
    inner = record
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    path.write_text(json.dumps(record))


def test_a_cell_is_shown_as_it_is_recorded(seed):
    page = said(seed / "ss-all/5way-1shot")
    assert page.startswith("ss-all on miniimagenet, resnet12, seed 0, 5-way 1-shot accuracy 54.99 ± 0.85 % over 600 ")
    assert "what another seed would change is not in it" in page
    assert "50 at test, chosen on validation (10: 53.50 %, 20: 53.77 %, 50: 53.91 %, 100: 53.90 %)" in page
    assert "of iteration 1200, the best of those validated: 53.77 % on validation episodes" in page
    assert "124,229 values learned" in page


def test_the_curves_are_plain_text_and_few_lines(seed):
    lines = list(shown(seed / "ss-all/5way-1shot", 80))
    start = next(i for i, line in enumerate(lines) if line.startswith("validation accuracy in percent"))
    drawn = lines[start : lines.index("", start)]
    assert len(drawn) <= 20
    assert "\n".join(drawn).isascii()
    # The best one, which was selected, is the last.
    assert drawn[1].startswith("   53.77 |")
    assert drawn[1].endswith("O")
    assert [line.split() for line in drawn if "|" not in line and "--" not in line][1:] == [
        ["0", "1200"],
        ["training", "loss,", "by", "iteration"],
        ["0", "1199"],
    ]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_only_commands_are_wider_than_the_terminal(seed, width):
    wide = [line for line in shown(seed / "ss-all/5way-1shot", width) if len(line) > width]
    assert all(line.startswith("to make it again: rm -f ") for line in wide)


def test_settings_are_by_section_and_others_than_the_default_are_marked():
    method = {"learner": "maml", "modulate": "ss", "scope": "head", "options": {"context": True}}
    specs = {
        "evaluate": {"method": method, "seed": 3, "base_learner": None, "runtime": {"threads": 1}},
        "meta_train": {
            "method": method,
            "seed": 3,
            "base_learner": {"order": "first"},
            "meta_train": {"tasks": 2},
            "runtime": {"threads": 2},
        },
    }
    sections = by_section(specs)
    assert sections["method"][:4] == [
        "learner maml",
        "*modulate ss (default none)",
        "scope head",
        "*options.context true",
    ]
    assert {"scale kernel", "shift before"} <= set(sections["method"])
    assert sections["base_learner"] == ["*order first (default second)"]
    assert sections["runtime"] == ["threads 1 in evaluation", "threads 2 in meta-training"]
    assert "select_on validation" in sections["meta_train"]
    assert sections[""][0] == "seed 3"


def test_a_default_that_is_written_out_is_no_difference():
    ours = {"meta_train": {"method": {"name": "a"}, "meta_train": {"tasks": 2, "select_on": "validation"}}}
    theirs = {"meta_train": {"method": {"name": "b"}, "meta_train": {"tasks": 4}}, "pretrain": {"seed": 0}}
    assert list(different(ours, theirs)) == [("method.name", "a", "b"), ("meta_train.tasks", "2", "4")]


def test_what_is_not_meta_trained_has_no_curve(seed):
    page = said(seed / "linear/5way-1shot")
    assert "nothing was meta-trained, so nothing was selected" in page
    assert "by iteration" not in page


def test_a_cell_that_is_not_evaluated_says_so_and_how_to_go_on(seed):
    cell = seed / "ss-all/5way-1shot"
    (cell / "evaluation.json").unlink()
    page = said(cell)
    assert "accuracy none yet: it has not been evaluated" in page
    assert "of iteration 1200" in page
    assert "training loss" in page
    assert page.endswith(f"to finish it: snakemake --cores 2 {SEED}/ss-all/5way-1shot/evaluation.json")


def test_a_begun_meta_training_is_said(seed):
    cell = seed / "ss-all/5way-1shot"
    for path in cell.iterdir():
        path.unlink()
    assert "model none yet: nothing is meta-trained" in said(cell)
    (cell / ".meta-train.checkpoint").write_bytes(b"")
    assert "model meta-training was begun, its state is saved" in said(cell)


def test_a_missing_history_is_said(seed):
    cell = seed / "ss-all/5way-1shot"
    (cell / "history.csv").unlink()
    assert f"no learning curve: {SEED}/ss-all/5way-1shot/history.csv is not there" in said(cell)


def test_models_that_test_data_chose_and_that_nothing_changed_are_named(seed):
    training = seed / "ss-all/5way-1shot/training.json"
    change(training, "provenance", "spec", "meta_train", "select_on", to="test")
    change(training, "selected_iteration", to=0)
    page = said(training)
    assert "53.77 % on TEST episodes" in page
    assert "test accuracy in percent, by iteration" in page
    assert "meta-training has not changed this model" in page


def test_a_variant_shows_the_training_whose_model_it_takes(seed):
    evaluation = seed / "linear/5way-1shot/evaluation.json"
    model = {"path": "results/miniimagenet/resnet12/seed0/ss-all/5way-1shot/model.safetensors", "sha256": "0"}
    change(evaluation, "provenance", "inputs", "model", to=model)
    page = said(evaluation)
    assert f"trained in {SEED}/ss-all/5way-1shot" in page
    assert "of iteration 1200" in page


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (f"{SEED}/maml/5way-1shot", "maml/5way-1shot: there is no such folder or file"),
        (SEED, f"{SEED}: not a folder dataset/backbone/seed0/method/5way-1shot"),
        ("/", "^/: not a folder dataset"),
    ],
)
def test_what_is_no_cell_is_one_line(seed, path, message):
    with pytest.raises(UserError, match=message):
        text(seed.parents[3] / path)


@pytest.mark.parametrize("name", ["evaluation.json", "training.json", "history.csv"])
@pytest.mark.parametrize("content", ["", "{", "[]", "a,b\n1\n", '{"provenance": {"spec": 1, "inputs": {}}}'])
def test_a_damaged_file_is_one_line(seed, name, content):
    path = seed / "ss-all/5way-1shot" / name
    path.write_text(content)
    with pytest.raises(UserError, match=name):
        text(path)


@pytest.mark.parametrize("key", ["accuracy", "ci95", "episodes"])
def test_a_number_that_is_none_is_one_line(seed, key):
    path = seed / "ss-all/5way-1shot/evaluation.json"
    change(path, key, to="much")
    with pytest.raises(UserError, match=rf"evaluation\.json: {key}: 'much' is not a number"):
        text(path)


def test_two_cells_are_compared_over_the_same_episodes(seed):
    folders = [seed / "ss-all/5way-1shot", seed / "linear/5way-1shot"]
    ours, theirs = (pd.read_csv(folder / "episodes.csv")["accuracy"].to_numpy() for folder in folders)
    d = ours - theirs
    ci95 = 1.96 * np.sqrt(((d - d.mean()) ** 2).sum() / 599) / np.sqrt(600)
    page = " ".join("\n".join(compared_cells(*folders, 80)).split())
    assert f"first − second: {d.mean():+.2f} ± {ci95:.2f} percentage points over the same 600 test episodes" in page
    assert "these two models, one seed each" in page
    better, worse = (d > 0).sum(), (d < 0).sum()
    assert f"the first is better in {better}, the second in {worse}, equal in {600 - better - worse}" in page
    assert "only the first has a meta-training" in page
    assert "method.theta_init meta-learned, zero" in page
    other_way = " ".join("\n".join(compared_cells(*reversed(folders), 80)).split())
    assert f"first − second: {-d.mean():+.2f} ± {ci95:.2f} " in other_way


def test_a_cell_does_not_differ_from_itself(seed):
    page = " ".join("\n".join(compared_cells(seed / "ss-all/5way-1shot", seed / "ss-all/5way-1shot", 80)).split())
    assert "first − second: +0.00 ± 0.00" in page
    assert "equal in 600" in page
    assert page.endswith("no settings differ")


def test_what_spoils_a_comparison_is_said(seed):
    record = seed / "ss-all/5way-1shot"
    change(record / "evaluation.json", "provenance", "inputs", "pretrained", to="0")
    change(record / "evaluation.json", "provenance", "device", to="cuda")
    change(record / "training.json", "selected_iteration", to=0)
    page = " ".join("\n".join(compared_cells(record, seed / "linear/5way-1shot", 80)).split())
    assert "The first is the model of iteration 0: meta-training has not changed it." in page
    assert "Their evaluation ran on different devices or in different precisions." in page
    assert "They do not start from the same Θ." in page


def test_other_tasks_are_refused_in_one_line(seed):
    ss_all, linear = seed / "ss-all/5way-1shot", seed / "linear/5way-1shot"
    with pytest.raises(UserError, match="not the same tasks: 5-way 1-shot and 5-way 5-shot"):
        list(compared_cells(ss_all, seed / "ss-all/5way-5shot", 80))
    other_seed = seed.with_name("seed1") / "linear/5way-1shot"
    shutil.copytree(linear, other_seed)
    for role, what in (("test_episodes", "test episodes"), ("split", "split into classes"), ("images", "images")):
        change(other_seed / "evaluation.json", "provenance", "inputs", role, to="0")
        with pytest.raises(UserError, match=f"not the same {what}, .* be paired: seed 0 and 1"):
            list(compared_cells(ss_all, other_seed, 80))
    lines = (linear / "episodes.csv").read_text().splitlines()
    (linear / "episodes.csv").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(UserError, match="not the same test episodes: 600 and 599 of them"):
        list(compared_cells(ss_all, linear, 80))
    for name in ("episodes.csv", "evaluation.json"):
        (linear / name).unlink()
        with pytest.raises(UserError, match=rf"linear/5way-1shot/{name}: is not there"):
            list(compared_cells(ss_all, linear, 80))


def test_the_commands_write_plain_text_into_a_pipe(seed):
    cells = [str(seed / "ss-all/5way-1shot"), str(seed / "linear/5way-1shot")]
    for words in (["show", cells[0]], ["compare", *cells]):
        done = subprocess.run(
            [sys.executable, "-m", "mtl.cli", *words],
            env={**os.environ, "COLUMNS": "70", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            text=True,
        )
        assert done.stderr == ""
        assert "\x1b" not in done.stdout
        assert [line for line in done.stdout.splitlines() if len(line) > 70 and " rm -f " not in line] == []
