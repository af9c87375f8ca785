"""Tables on a real SLURM have the same bytes as on one machine, whatever befalls jobs. `tests/slurm/run` runs this."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.kill import digests, processes
from tests.helpers.learners import ROOT
from tests.helpers.pages import blocks, commands
from tests.helpers.project import CELL, edit, made_once, make_project, snakemake

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("MTL_TESTS_SLURM" not in os.environ, reason="tests/slurm/run starts a SLURM for these"),
]

TABLE = "results/table1.csv"
ITERATIONS = 2500
TRAINED = CELL.format("ss-all", 1)
LOG = f"{TRAINED.replace('results', 'logs')}/meta-train.log"
# Jobs inherit this, and nothing of the environment in which the tests run.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"]}
SOONER = ["--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"]
SLURM = ["--workflow-profile", "profiles/slurm", *SOONER]


def make_table(folder):
    """Two cells, each meta-trained for some seconds."""
    make_project(folder)
    training = {"iterations": ITERATIONS, "validate_every": 100, "snapshots": [0]}

    def shrink(config):
        config.update(methods=["ss-all", "ft-head"], shots=[1], grids=[{}])
        config["meta_train"].update(training)

    edit(folder / "config/config.yaml", shrink)
    code, output = snakemake(folder, TABLE)
    assert code == 0, output


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A project that has made its table on one machine."""
    return made_once(tmp_path_factory, worker_id, "table", make_table)


@pytest.fixture
def project(finished, tmp_path):
    """A copy of it that lacks a cell."""
    folder = shutil.copytree(finished, tmp_path / "project", symlinks=True)
    shutil.rmtree(folder / TRAINED)
    (folder / LOG).unlink()
    return folder


def start(folder, *arguments):
    """Starts Snakemake as a login session does; its output goes to run.log."""
    with (folder / "run.log").open("w") as log:
        command = [sys.executable, "-m", "snakemake", *arguments]
        return subprocess.Popen(
            command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )


def runs(folder, *arguments):
    code = start(folder, *arguments).wait()
    return code, (folder / "run.log").read_text()


def queue(folder, shown="%A", states="pending,running,completing"):
    """What SLURM says about the jobs of a folder, in the order of their submission."""
    command = ["squeue", "--noheader", "--sort", "i", "--states", states, "--format", f"%Z {shown}"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.removeprefix(f"{folder} ") for line in listed if line.startswith(f"{folder} ")]


def wait_until(happened, run=None):
    while not (found := happened()):
        time.sleep(0.2)
        assert run is None or run.poll() is None
    return found


def training(folder, run):
    """Waits for the training of the cell to save its state."""
    wait_until((folder / TRAINED / ".meta-train.checkpoint").exists, run)


def is_finished(run, folder, finished):
    assert run.wait() == 0, (folder / "run.log").read_text()
    assert digests(folder / "results") == digests(finished / "results")


def test_without_an_environment_and_with_arrays(finished, tmp_path):
    folder = make_project(tmp_path / "project")
    shutil.copy(finished / "config/config.yaml", folder / "config")
    is_finished(start(folder, TABLE, *SLURM, "--slurm-array-jobs", "all"), folder, finished)
    trained = [line.split()[0] for line in queue(folder, "%F %k", "all") if "rule_meta_train" in line]
    # What follows would be retries: if the first job of an array takes a minute longer than another, that one fails.
    assert len(trained) >= 2
    assert len(set(trained[:2])) == 1


def from_login_to_table():
    """The commands of docs/cluster.md, without those that make the environment and the session: this is one."""
    _, _, page = (ROOT / "docs/cluster.md").read_text(encoding="utf-8").partition("\n## From login to table\n")
    shown = [command for block in blocks(page.partition("\n## ")[0]) for command in commands(block.text)]
    typed = [command for command in shown if not re.match("make install|tmux|source", command)]
    assert len(shown) == len(typed) + 3
    return typed


@pytest.mark.parametrize("submitted", [False, True], ids=["typed", "submitted"])
def test_the_page_leads_from_login_to_table(finished, tmp_path, submitted):
    """Also where Snakemake is a job itself."""
    folder = make_project(tmp_path / "project")
    shutil.copy(finished / "config/config.yaml", folder / "config")
    environment = {**ENVIRONMENT, "PATH": f"{Path(sys.executable).parent}:{ENVIRONMENT['PATH']}"}
    typed = [command for command in from_login_to_table() if command.startswith("sbatch ") == submitted]
    assert len(typed) == (1 if submitted else 7)
    for command in typed:
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    wait_until(lambda: not queue(folder))
    assert digests(folder / "results") == digests(finished / "results")


def test_after_scancel(finished, project):
    run = start(project, TABLE, *SLURM)
    training(project, run)
    subprocess.run(["scancel", *queue(project)], check=True)
    is_finished(run, project, finished)
    assert "going on from" in (project / LOG).read_text()
    assert [line.split()[0] for line in queue(project, "%T", "all")] == ["CANCELLED", "COMPLETED", "COMPLETED"]


def test_after_a_time_limit(finished, project):
    edit(project / "config/config.yaml", lambda config: config["jobs"]["meta_train"].update(minutes=1))
    run = start(project, TABLE, *SLURM)
    training(project, run)
    (trains,) = processes(project, "mtl", "meta-train")
    os.kill(trains, signal.SIGSTOP)  # it would have been in time
    is_finished(run, project, finished)
    assert "going on from" in (project / LOG).read_text()
    first, second, *_ = queue(project, "%T %l", "all")
    assert first == "TIMEOUT 1:00"
    assert second.split()[1] == "2:00"  # on a loaded machine this may be too little, too


def test_after_too_little_memory(finished, project):
    edit(project / "config/config.yaml", lambda config: config["jobs"]["meta_train"].update(memory=330))
    is_finished(start(project, TABLE, *SLURM), project, finished)
    assert [line.split()[0] for line in queue(project, "%m %T", "all")][:3] == ["330M", "660M", "990M"]


def test_after_the_login_session_was_lost(finished, project):
    run = start(project, TABLE, *SLURM)
    training(project, run)
    run.kill()
    run.wait()
    (job,) = queue(project)
    code, said = runs(project, TABLE, *SLURM)
    assert code == 1
    assert "Directory cannot be locked" in said
    assert runs(project, "--unlock")[0] == 0
    code, said = runs(project, TABLE, *SLURM)
    assert code == 1
    assert said.splitlines()[-1].startswith("jobs of an earlier run are still queued or running here; ")
    assert f"scancel {job} " in said
    assert queue(project) == [job]
    wait_until(lambda: not queue(project))
    is_finished(start(project, TABLE, *SLURM), project, finished)
    assert "meta-training" not in (project / "run.log").read_text()
    reported = re.findall(rf"(\d+)/{ITERATIONS}", (project / LOG).read_text())
    assert reported == [str(iteration) for iteration in range(0, ITERATIONS + 1, 100)]


def test_a_cell_that_diverged_ends_at_once(finished, project):
    edit(project / "config/config.yaml", lambda config: config["meta_train"].update(learning_rate=1e6))
    code, said = runs(project, f"{TRAINED}/training.json", *SLURM)
    assert code == 1
    assert said.count("has been submitted") == 3
    assert re.search(r"training diverged; .* \(an earlier try; to repeat it, delete .*\.failed\)", said)
    assert f"/{ITERATIONS}" not in (project / LOG).read_text()


SUBMIT = """#!/bin/sh
cd /
env -i PATH=/usr/bin:/bin HOME="$HOME" nohup sh "$1" > /dev/null 2>&1 &
"""


def test_another_scheduler_in_another_folder_with_no_environment(finished, project, tmp_path):
    submit = tmp_path / "submit"
    submit.write_text(SUBMIT)
    submit.chmod(0o755)
    generic = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", str(submit), "--jobs", "4"]
    is_finished(start(project, TABLE, *generic, "--seconds-between-status-checks", "1"), project, finished)
