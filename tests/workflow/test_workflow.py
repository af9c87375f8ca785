"""The real DAG on a tiny config: what it builds, what it leaves alone, what a change reruns."""

import json
import shutil

import pandas as pd
import pytest
import torch
import yaml

from tests.chaos.kill import digests
from tests.helpers.project import CELL, edit, make_project, planned, snakemake


def test_plain_snakemake_builds_table_and_figure(finished):
    table = pd.read_csv(finished / "results/table1.csv")
    assert len(table) == 25
    assert set(table["shot"]) == {1, 5}
    assert dict(table.groupby("batch_norm")["backbone"].agg("first")) == {"running": "resnet12", "episode": "conv4"}
    assert (table["episodes"] == 8).all()
    assert table[["accuracy", "ci95"]].notna().all(axis=None)
    assert "| SS [Θ;θ], HT |" in (finished / "results/table1.md").read_text(encoding="utf-8")
    for suffix in ("png", "svg", "csv"):
        assert (finished / f"results/figures/figure4.{suffix}").stat().st_size > 100


def test_plain_snakemake_builds_claims_and_figures(finished):
    claims = pd.read_csv(finished / "results/claims.csv")
    decided = set(claims.loc[claims["test"] != "fewer", "verdict"])
    assert decided <= {"one-seed", "not-trained", "before-training"}
    assert {"difference", "sooner", "fewer"} == set(claims["test"])
    curves = pd.read_csv(finished / "results/figures/figure4.csv")
    assert set(curves["kind"]) == {"test", "validation"}
    assert sorted(set(curves.loc[curves["kind"] == "test", "iteration"])) == [0, 26]
    assert (finished / "results/figures/scales-and-shifts.png").stat().st_size > 100


def test_a_curve_ends_where_the_evaluation_of_the_last_model_does(finished):
    """The selected model is on the curve if it was selected at one of the curve's iterations."""
    folder = finished / CELL.format("ss-all", 1)
    training, evaluation = (json.loads((folder / f"{name}.json").read_text()) for name in ("training", "evaluation"))
    curve = pd.read_csv(folder / "curve.csv").set_index("iteration")["accuracy"]
    assert training["selected_iteration"] in (13, 26)
    if training["selected_iteration"] in curve.index:
        assert curve[training["selected_iteration"]] == pytest.approx(evaluation["accuracy"], abs=1e-3)


def test_all_methods_are_scored_on_the_same_stored_episodes(finished):
    evaluations = sorted(finished.glob("results/glyphs/resnet12/seed0/*/5way-1shot/evaluation.json"))
    assert len(evaluations) == 11
    used = {yaml.safe_load(path.read_text())["provenance"]["inputs"]["test_episodes"]["sha256"] for path in evaluations}
    assert len(used) == 1


def test_hard_phases_are_in_the_history(finished):
    history = pd.read_csv(finished / CELL.format("ss-all-ht", 1) / "history.csv")
    assert set(history["phase"].dropna()) == {"plain", "hard"}
    plain = pd.read_csv(finished / CELL.format("ss-all", 1) / "history.csv")
    assert history["tasks_seen"].max() == plain["tasks_seen"].max() == 52


def test_a_second_call_does_nothing(finished):
    code, output = snakemake(finished)
    assert code == 0
    assert "Nothing to be done" in output


def test_one_cell_needs_only_its_own_jobs(tmp_path):
    jobs = planned(make_project(tmp_path), CELL.format("ss-all-ht", 1) + "/evaluation.json")
    assert jobs == [
        "drawing test episodes of glyphs, 5-way 1-shot",
        "drawing val episodes of glyphs, 5-way 1-shot",
        "evaluating ss-all-ht on glyphs, 5-way 1-shot",
        "meta-training ss-all-ht on glyphs, 5-way 1-shot",
        "pre-training resnet12 on glyphs, seed 0",
        "preparing glyphs at 16 px",
        "splitting glyphs",
    ]


def cells(method, *stages):
    return [f"{stage} {method} on glyphs, 5-way {shot}-shot" for stage in stages for shot in (1, 5)]


REPORT = ["building table1", "testing the claims"]
LAST = ["putting everything on one page", "listing all files with their checksums"]
DRAWN = ["drawing figure4", "drawing scales-and-shifts"]
CHANGES = {
    "a setting of one meta-trained method": (
        "config",
        lambda config: config["overrides"].append({"when": {"method": "ss-last"}, "base_learner": {"steps": 3}}),
        # Its evaluation follows from the new weights.
        [*cells("ss-last", "meta-training", "evaluating"), *REPORT],
    ),
    "a setting of one method without meta-training": (
        "config",
        lambda config: config["overrides"].append({"when": {"method": "linear"}, "base_learner": {"test_steps": [3]}}),
        [*cells("linear", "evaluating"), *REPORT],
    ),
    "a value of one method at one shot": (
        "config",
        lambda config: config["overrides"].append(
            {"when": {"method": "ss-all", "shot": 1}, "meta_train": {"learning_rate": 0.0005}}
        ),
        [
            *cells("ss-all", "meta-training", "evaluating")[::2],
            "evaluating ss-all on glyphs, 5-way 1-shot, snapshots",
            *REPORT,
            *DRAWN,
        ],
    ),
    "a key of one method": (
        "methods",
        lambda methods: methods["linear"].update(theta_init="random"),
        [*cells("linear", "evaluating"), *REPORT],
    ),
    "the hard-task meta-batch": (
        "config",
        lambda config: config["hard_tasks"].update(every=8),
        [
            *[
                job
                for method in ("ft-all-ht", "ss-all-ht", "ss-all-ht-random")
                for job in cells(method, "meta-training", "evaluating")
            ],
            "meta-training maml-ht on glyphs, 5-way 1-shot",
            "evaluating maml-ht on glyphs, 5-way 1-shot",
            *(f"{job}, snapshots" for job in cells("ss-all-ht", "evaluating")),
            *REPORT,
            DRAWN[0],
        ],
    ),
    "a label": ("methods", lambda methods: methods["ss-all"].update(label="MTL"), [*REPORT, DRAWN[0]]),
    "what a scheduler is told": ("config", lambda config: config["jobs"]["meta_train"].update(minutes=5), []),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_reruns_exactly_what_it_touches(project, name):
    file, change, expected = CHANGES[name]
    assert planned(project) == []
    edit(project / f"config/{file}.yaml", change)
    assert planned(project) == sorted([*expected, *(LAST if expected else [])])


def test_a_deleted_cell_is_all_that_is_run_again(project):
    table = (project / "results/table1.csv").read_bytes()
    shutil.rmtree(project / CELL.format("ss-last", 5))
    assert planned(project, "results/table1.csv") == [
        "building table1",
        "evaluating ss-last on glyphs, 5-way 5-shot",
        "meta-training ss-last on glyphs, 5-way 5-shot",
    ]
    code, output = snakemake(project, "results/table1.csv")
    assert code == 0, output
    assert (project / "results/table1.csv").read_bytes() == table


def test_a_partial_table_runs_nothing_and_says_what_is_missing(project):
    shutil.rmtree(project / CELL.format("linear", 1))
    shutil.rmtree(project / CELL.format("ft-all", 5))
    log = project / CELL.format("ft-all", 5).replace("results", "logs", 1) / "evaluate.log"
    log.write_text("mtl: error: out of luck\n")
    assert planned(project, "results/partial/table1.csv") == ["building table1 from the cells that exist"]
    code, output = snakemake(project, "results/partial/table1.csv")
    assert code == 0, output
    table = pd.read_csv(project / "results/partial/table1.csv").set_index(["method", "shot"])
    assert table.loc[("linear", 1), "verdict"] == "not-run"
    assert table.loc[("ft-all", 5), "verdict"] == "failed"
    assert table["accuracy"].isna().sum() == 2
    assert planned(project, "results/partial/table1.csv") == []
    (project / CELL.format("ss-all", 1) / "episodes.csv").touch()
    assert planned(project, "results/partial/table1.csv") == ["building table1 from the cells that exist"]


def test_a_published_number_rebuilds_tables_only(project):
    path = project / "config/published/tables.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("60.2", "60.3"), encoding="utf-8")
    assert planned(project, "results/table1.csv") == ["building table1"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "shots: [1, 5\nways: [5]\n",
            "config/config.yaml: not YAML: while parsing a flow sequence at line 1, column 8",
        ),
        ("", "config/config.yaml: expected a mapping of keys to values"),
    ],
)
def test_a_config_that_is_no_yaml_is_one_line(project, text, line):
    (project / "config/config.yaml").write_text(text)
    code, output = snakemake(project)
    assert code == 1
    assert output.splitlines()[-1].startswith(line)


def test_a_mistake_in_the_config_is_one_line_before_any_job(project):
    edit(project / "config/config.yaml", lambda config: config["meta_train"].update(iteratons=3))
    code, output = snakemake(project)
    assert code == 1
    assert output.splitlines()[-1] == (
        "config/config.yaml: meta_train.iteratons: unknown key; did you mean 'iterations'?"
    )
    assert "Traceback" not in output


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_job_that_fails_ends_its_log_with_one_line(project):
    edit(project / "config/config.yaml", lambda config: config["runtime"].update(device="cuda"))
    code, output = snakemake(project, f"{CELL.format('linear', 1)}/evaluation.json")
    assert code == 1
    log = (project / "logs/glyphs/resnet12/seed0/pretrain.log").read_text()
    assert log.splitlines()[-1] == (
        "mtl: error: config: runtime.device: 'cuda' asks for a GPU, but torch sees none; write 'auto' or 'cpu', "
        "or let the jobs request one (jobs.*.gpus)"
    )
    assert "Traceback" not in output


def test_the_number_of_cores_changes_no_byte(finished, tmp_path):
    folder = make_project(tmp_path)
    targets = [f"{CELL.format(method, 1)}/evaluation.json" for method in ("ss-all-ht", "ft-last", "update-all")]
    code, output = snakemake(folder, *targets, cores=1)
    assert code == 0, output
    ours, theirs = digests(folder / "results"), digests(finished / "results")
    assert len(ours) > 10
    assert ours == {path: theirs[path] for path in ours}
