"""Runs that are killed, refused or out of disk space: nothing is lost, and they end with the same bytes."""

import os
import signal
import subprocess
import time

import pytest

from tests.chaos.kill import digests, killed, processes
from tests.helpers.learners import ROOT
from tests.helpers.project import CELL, edit, make_project

# Makes `make` treat the existing environment as installed.
DEMO = ["make", "--silent", "--old-file=install", "demo"]
KILLS, WITHIN = 2, 8.0


def small_project(folder):
    """A project with the Makefile and few cells."""
    make_project(folder)
    (folder / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    edit(folder / "config/config.yaml", lambda config: config.update(methods=["ss-all-ht", "linear"], shots=[1]))
    return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The results of an undisturbed run."""
    folder = small_project(tmp_path_factory.mktemp("undisturbed"))
    subprocess.run(DEMO, cwd=folder, check=True)
    return digests(folder / "results")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_killed_ends_with_the_same_bytes(tmp_path, undisturbed, number):
    folder = small_project(tmp_path / "project")
    assert killed(folder, DEMO, KILLS, number, WITHIN, seed=0) > 0
    left = digests(folder / "results")
    assert left == undisturbed
    assert not [path for path in (folder / "results").rglob(".*") if path.name != ".lock"]


def test_the_log_of_a_job_that_was_killed_says_so(tmp_path):
    """As the kernel does when memory is short."""
    folder = make_project(tmp_path / "project")
    target = "resources/glyphs/16px/images.npy"
    run = subprocess.Popen(["snakemake", "--cores", "1", target], cwd=folder, stdout=subprocess.DEVNULL)
    while not (jobs := processes(folder, "mtl", "prepare")):
        time.sleep(0.1)
        assert run.poll() is None
    os.kill(jobs[0], signal.SIGKILL)
    assert run.wait() == 1
    said = (folder / "logs/glyphs/prepare-16px.log").read_text().splitlines()[-1]
    assert said.startswith("mtl: error: killed by signal 9; if nobody did that, there was too little memory")


def test_a_second_run_is_refused_with_one_line(tmp_path):
    folder, quiet = small_project(tmp_path / "project"), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    first = subprocess.Popen(["snakemake", "--cores", "1"], cwd=folder, **quiet)
    while not (folder / "results/.lock").exists():
        time.sleep(0.1)
        assert first.poll() is None
    second = subprocess.run(DEMO, cwd=folder, capture_output=True, text=True, check=False)
    first.terminate()
    first.wait()
    assert second.returncode == 2
    assert second.stderr.splitlines()[0] == "make: another run is at work here; wait for its end, or stop it"


SMALL_DISK = """
mount -t tmpfs -o size=64k tmpfs results
snakemake --cores 1 {targets} > first.log 2>&1 && exit 3
mount -o remount,size=64m results
snakemake --cores 1 {targets} > second.log 2>&1 || exit 4
cp -r results kept
"""


def test_a_full_disk_is_one_line_and_nothing_is_lost(tmp_path, undisturbed):
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        subprocess.run([*namespace, "mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"mount namespaces are not allowed here: {error}")
    folder = small_project(tmp_path / "project")
    (folder / "results").mkdir()
    targets = " ".join(f"{CELL.format(method, 1)}/evaluation.json" for method in ("ss-all-ht", "linear"))
    done = subprocess.run([*namespace, "bash", "-c", SMALL_DISK.format(targets=targets)], cwd=folder, check=False)
    assert done.returncode == 0, (folder / "first.log").read_text()
    lines = [line for line in (folder / "first.log").read_text().splitlines() if line.startswith("mtl: error: ")]
    assert lines
    assert all("No space left on device; nothing was lost: mend it and run the same command again" in x for x in lines)
    assert "Traceback" not in (folder / "first.log").read_text()
    kept = digests(folder / "kept")
    assert len(kept) > 8
    assert kept == {path: undisturbed[path] for path in kept}
