"""Real processes that want GPUs of a list; no device is in any of them."""

import os
import subprocess
import sys
from itertools import combinations

import pytest

from mtl.runtime.errors import UserError
from mtl.runtime.gpus import claim_gpu, jobs_per_gpu, visible_gpus

JOB = """
import pathlib, sys, time
from mtl.runtime import gpus
gpus.WAIT = 0.05
names = sys.argv[2:]
got = names[gpus.claim_gpu(names, pathlib.Path(sys.argv[1]))]
start = time.monotonic()
print(got, flush=True)
sys.stdin.readline()
print(start, time.monotonic(), flush=True)
"""


class Job:
    """A process that takes one GPU of a list and holds it until it is told to end."""

    def __init__(self, folder, tmpdir, names):
        tmpdir.mkdir()
        environment = {**os.environ, "TMPDIR": str(tmpdir)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOB, folder, *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def got(self):
        return self.process.stdout.readline().strip()

    def end(self):
        output, _ = self.process.communicate("\n", timeout=30)
        return tuple(map(float, output.split()))


@pytest.fixture
def job(tmp_path):
    """Starts jobs, each with a TMPDIR of its own."""
    jobs = []

    def start(*names):
        jobs.append(Job(tmp_path, tmp_path / f"tmp{len(jobs)}", names))
        return jobs[-1]

    yield start
    for one in jobs:
        one.process.kill()
        one.process.wait()


def test_four_jobs_take_the_four_gpus(job):
    jobs = [job(*"abcd") for _ in range(4)]
    assert sorted(one.got() for one in jobs) == list("abcd")


def test_of_six_jobs_two_wait_until_a_gpu_is_free(job):
    first = [job(*"abcd") for _ in range(4)]
    held = {one.got(): [one] for one in first}
    later = [job(*"abcd") for _ in range(2)]
    spans = {"b": [held["b"][0].end()], "d": [held["d"][0].end()]}
    for one in later:
        held[one.got()].append(one)
    assert [len(held[name]) for name in "abcd"] == [1, 2, 1, 2]
    for name, jobs in held.items():
        spans[name] = spans.get(name, []) + [one.end() for one in jobs if one.process.returncode is None]
    assert sum(map(len, spans.values())) == 6
    for own in spans.values():
        assert all(a[1] <= b[0] or b[1] <= a[0] for a, b in combinations(own, 2))


def test_a_job_that_is_pinned_to_a_gpu_keeps_others_off_it(job):
    """A job that a scheduler leaves one GPU, the second of the machine, beside jobs that see both."""
    assert job("b").got() == "b"
    assert job("a", "b").got() == "a"


def test_a_killed_job_frees_its_gpu(job):
    first = job("a")
    assert first.got() == "a"
    first.process.kill()
    assert job("a").got() == "a"


def test_jobs_share_gpus_only_if_all_have_one(job, monkeypatch):
    monkeypatch.setenv("MTL_JOBS_PER_GPU", "2")
    assert [job("a", "b").got() for _ in range(4)] == ["a", "b", "a", "b"]


@pytest.mark.parametrize("said", ["0", "-1", "two", ""])
def test_a_wrong_number_of_jobs_per_gpu_is_one_line(monkeypatch, said):
    monkeypatch.setenv("MTL_JOBS_PER_GPU", said)
    with pytest.raises(UserError, match=rf"environment: MTL_JOBS_PER_GPU: '{said}' is no number of jobs"):
        jobs_per_gpu()


def test_a_link_in_the_shared_folder_is_not_followed(tmp_path):
    (tmp_path / f"mtl-{os.getuid()}-a.lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="Too many levels"):
        claim_gpu(["a"], tmp_path)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(("chosen", "count"), [("", 0), ("-1", 0), ("2", 1), ("0,3", 2), ("GPU-8f5e,MIG-1", 2)])
def test_gpus_are_counted_as_the_environment_leaves_them(monkeypatch, chosen, count):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert visible_gpus() == count


def test_gpus_are_counted_by_the_driver_s_tool(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == 0
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: H100 (UUID: GPU-1)'; echo '  MIG 1g: (UUID: MIG-1)'; echo 'GPU 1: H100'\n")
    tool.chmod(0o755)
    assert visible_gpus() == 2
    tool.write_text("#!/bin/sh\necho 'GPU 0: is lost'; exit 9\n")
    assert visible_gpus() == 0
