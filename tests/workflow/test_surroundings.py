"""Where a project lies and how a terminal is set change no byte."""

import os
import shutil
import subprocess

import pytest

from tests.chaos.kill import digests
from tests.helpers.project import CELL, make_project, snakemake


@pytest.fixture
def latin1(tmp_path):
    """The environment of a terminal that knows no Greek letters."""
    if shutil.which("localedef") is None:
        pytest.skip("there is no localedef")
    name = "de_DE.ISO-8859-1"
    command = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(tmp_path / name)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("the sources of locales are not installed")
    return {"LOCPATH": str(tmp_path), "LC_ALL": name, "PYTHONUTF8": "0"}


def test_a_latin_1_locale_changes_no_byte(project, latin1):
    before = digests(project / "results")
    code, output = snakemake(project, "--forcerun", "table", "claims", "figure", **latin1)
    assert code == 0, output
    assert "building table1" in output
    assert digests(project / "results") == before
    cell = "results/glyphs/resnet12/seed0/ss-all/5way-1shot"
    done = subprocess.run(
        ["mtl", "explain", cell],
        cwd=project,
        env={"PATH": os.environ["PATH"], **latin1},
        capture_output=True,
        check=True,
    )
    assert b"\\u0398 of" in done.stdout


def test_a_table_that_the_experiment_has_no_cells_for_has_no_rule(project):
    code, output = snakemake(project, "-n", "results/table2.csv")
    assert code == 1
    assert "No rule to produce results/table2.csv" in output


def test_jobs_start_the_interpreter_that_runs_snakemake(tmp_path):
    """Whatever is on PATH, which a scheduler may set: here another `mtl`, and nothing of the environment."""
    project = make_project(tmp_path / "project")
    other = tmp_path / "bin" / "mtl"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho another mtl >&2; exit 1\n")
    other.chmod(0o755)
    target = "results/glyphs/episodes/seed0/val-5way-1shot-2query.npz"
    code, output = snakemake(project, target, PATH=f"{other.parent}:/usr/bin:/bin")
    assert code == 0, output


@pytest.mark.parametrize("gpus", [0, 1])
def test_a_job_sees_a_gpu_only_if_it_requests_one(tmp_path, gpus):
    project = make_project(tmp_path / "project")
    (project / "gpus.yaml").write_text(f"jobs: {{meta_train: {{gpus: {gpus}}}}}\n")
    code, output = snakemake(project, "-n", "-p", "--configfile", "gpus.yaml")
    assert code == 0, output
    assert f"[ {gpus} != 0 ] || export CUDA_VISIBLE_DEVICES=; mtl meta-train" in output


def test_an_image_that_is_not_there_is_one_line(tmp_path):
    code, output = snakemake(make_project(tmp_path / "project"), "-n", "--sdm", "apptainer")
    assert code == 1
    assert output.splitlines()[-1].startswith("mtl.sif: is not there, but --sdm apptainer runs all jobs in it")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda results: results.symlink_to("/nowhere"), "results: is a link to /nowhere, which is not there"),
        (lambda results: results.touch(), "results: is not a folder, but files are to be written there"),
    ],
)
def test_results_that_cannot_be_written_are_one_line(tmp_path, spoil, said):
    project = make_project(tmp_path / "project")
    spoil(project / "results")
    code, output = snakemake(project)
    assert code == 1
    assert output.splitlines()[-1].startswith(said)
    assert "Traceback" not in output


def test_braces_in_the_path_are_one_line(tmp_path):
    project = make_project(tmp_path / "a{b}")
    code, output = snakemake(project, "-n")
    assert code == 1
    assert output.splitlines()[-1].startswith(f"{project}/workflow: Snakemake takes braces in this path for wildcards")
    assert "Traceback" not in output


def test_other_letters_in_the_path_do_no_harm(tmp_path):
    project = make_project(tmp_path / 'it\'s $HOME & "so" 100%')
    code, output = snakemake(project, CELL.format("linear", 1) + "/evaluation.json")
    assert code == 0, output


def test_the_command_line_is_blamed_for_what_it_says(tmp_path):
    project = make_project(tmp_path / "project")
    code, output = snakemake(project, "-n", "--config", "widht=3")
    assert code == 1
    assert output.splitlines()[-1] == "--config: widht: unknown key; did you mean 'width'?"
