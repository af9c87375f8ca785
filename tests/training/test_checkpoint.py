"""An interrupted stage resumes and gives the same bytes."""

import hashlib
import io
import multiprocessing
import os
import signal
import threading
import time

import pytest
import torch

from mtl.runtime import memory
from mtl.runtime.errors import UserError
from mtl.training import checkpoint as module
from mtl.training.checkpoint import Checkpoint
from tests.helpers.interrupt import interrupt_after
from tests.helpers.learners import TRANSFORMER
from tests.helpers.stages import run_meta_train, run_pretrain

RESULTS = ("model", "snapshots", "history", "summary")


def stage(name):
    if name == "pretrain":
        return lambda tiny, folder: run_pretrain(tiny, folder)
    if name == "pretrain transformer":
        return lambda tiny, folder: run_pretrain(tiny, folder, network=TRANSFORMER, optimizer="adamw-warm-up")
    return lambda tiny, folder: run_meta_train(tiny, folder, name, iterations=26, validate_every=5, snapshots=[0, 20])


@pytest.mark.parametrize(
    ("name", "iterations"),
    [
        *((name, iterations) for name in ("pretrain", "pretrain transformer") for iterations in (1, 4)),
        *((name, iterations) for name in ("ss-all-ht", "ft-head") for iterations in (1, 11, 14, 22)),
        *(pytest.param("maml-ht", iterations, marks=pytest.mark.slow) for iterations in (1, 11, 14, 22)),
    ],
)
def test_an_interrupted_stage_gives_the_same_bytes(tiny, tmp_path, monkeypatch, capsys, name, iterations):
    run = stage(name)
    expected = run(tiny, tmp_path / "whole")
    interrupt_after(monkeypatch, iterations)
    (tmp_path / "parts").mkdir()
    with pytest.raises(UserError, match="interrupted by SIGTERM; the same command goes on"):
        run(tiny, tmp_path / "parts")
    assert [path.suffix for path in (tmp_path / "parts").iterdir()] == [".checkpoint"]
    capsys.readouterr()
    paths = run(tiny, tmp_path / "parts")
    assert "note: going on from" in capsys.readouterr().err
    for file in RESULTS:
        if hasattr(paths, file):
            assert getattr(paths, file).read_bytes() == getattr(expected, file).read_bytes(), file
    assert not list((tmp_path / "parts").glob(".*"))


def test_tasks_that_run_together_are_those_from_before_if_there_is_more_memory_now(tiny, tmp_path, monkeypatch):
    """As in the second try of a scheduler that gives twice as much."""
    run = stage("ss-all")
    monkeypatch.setattr(memory, "room", lambda device: 0)
    expected = run(tiny, tmp_path / "whole")
    with monkeypatch.context() as interrupted:
        interrupt_after(interrupted, 11)
        (tmp_path / "parts").mkdir()
        with pytest.raises(UserError):
            run(tiny, tmp_path / "parts")
    monkeypatch.setattr(memory, "room", lambda device: 2**40)
    assert run(tiny, tmp_path / "parts").model.read_bytes() == expected.model.read_bytes()


def test_a_checkpoint_of_other_settings_is_refused(tmp_path, capsys):
    first = Checkpoint(tmp_path / ".x.checkpoint", {"spec": "a"})
    first._signal = signal.SIGTERM
    with pytest.raises(UserError):
        first.offer(lambda: {"iteration": 3})
    assert Checkpoint(tmp_path / ".x.checkpoint", {"spec": "a"}).restore() == {"iteration": 3}
    assert Checkpoint(tmp_path / ".x.checkpoint", {"spec": "b"}).restore() is None
    assert "of other settings, inputs or code; starting anew" in capsys.readouterr().err


def test_a_second_job_waits_and_does_not_train_again(tiny, tmp_path, monkeypatch, capfd):
    """As if Snakemake was killed and started again: the second job begins while the first one trains."""
    started, offer = [], Checkpoint.offer

    def offered(self, state):
        if not started:
            started.append(threading.Thread(target=second.start))
            started[0].start()
            while "another job is at work here" not in capfd.readouterr().err:
                time.sleep(0.1)
        offer(self, state)

    second = multiprocessing.get_context("spawn").Process(
        target=run_meta_train, args=(tiny, tmp_path / "cell", "ss-all")
    )
    monkeypatch.setattr(Checkpoint, "offer", offered)
    paths = run_meta_train(tiny, tmp_path / "cell", "ss-all")
    written = paths.summary.stat().st_mtime_ns
    second.join()
    assert second.exitcode == 0
    said = capfd.readouterr().err
    assert f"note: {paths.summary}: is finished, by the same settings, inputs and code; nothing to do" in said
    assert paths.summary.stat().st_mtime_ns == written
    assert not list(paths.summary.parent.glob(".*"))


@pytest.mark.parametrize("spoil", ["model", "history", "summary"])
def test_damaged_results_are_made_again(tiny, tmp_path, spoil):
    paths = run_meta_train(tiny, tmp_path, "ss-all")
    before = getattr(paths, spoil).read_bytes()
    getattr(paths, spoil).write_bytes(before[:-20])
    run_meta_train(tiny, tmp_path, "ss-all")
    assert getattr(paths, spoil).read_bytes() == before


def test_other_settings_train_again(tiny, tmp_path):
    before = run_meta_train(tiny, tmp_path, "ss-all").model.read_bytes()
    assert run_meta_train(tiny, tmp_path, "ss-all", learning_rate=1e-2).model.read_bytes() != before


def test_a_stage_that_diverged_does_not_try_again(tiny, tmp_path, monkeypatch):
    diverges = pytest.raises(UserError, match="training diverged; lower")
    with diverges as first:
        run_meta_train(tiny, tmp_path, "ft-all", learning_rate=1e6)
    with monkeypatch.context() as patched, diverges as second:
        patched.setattr(Checkpoint, "offer", None)  # no iteration
        run_meta_train(tiny, tmp_path, "ft-all", learning_rate=1e6)
    advice = f"(an earlier try; to repeat it, delete {tmp_path}/.meta-train.failed)"
    assert str(second.value) == f"{first.value} {advice}"
    run_meta_train(tiny, tmp_path, "ft-all")
    assert not list(tmp_path.glob(".*"))


def test_a_damaged_checkpoint_is_no_obstacle(tmp_path, capsys):
    (tmp_path / ".x.checkpoint").write_bytes(b"PK\x03\x04 nonsense")
    assert Checkpoint(tmp_path / ".x.checkpoint", {"spec": "a"}).restore() is None
    assert "damaged; starting anew" in capsys.readouterr().err


def test_a_checkpoint_that_would_run_code_does_not(tmp_path, capsys):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    content = io.BytesIO()
    torch.save({"identity": "a", "state": Evil()}, content)
    whole = hashlib.sha256(content.getvalue()).digest() + content.getvalue()
    (tmp_path / ".x.checkpoint").write_bytes(whole)
    assert Checkpoint(tmp_path / ".x.checkpoint", {"spec": "a"}).restore() is None
    assert "damaged; starting anew" in capsys.readouterr().err
    assert not (tmp_path / "owned").exists()


def test_it_saves_at_intervals_only(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    computed = []
    with Checkpoint(tmp_path / ".x.checkpoint", {"spec": "a"}) as checkpoint:
        for _ in range(5):
            checkpoint.offer(lambda: computed.append(1) or {})
        assert not computed
        now[0] = module.INTERVAL
        checkpoint.offer(lambda: computed.append(1) or {})
        assert computed == [1]
        assert (tmp_path / ".x.checkpoint").exists()
    assert not (tmp_path / ".x.checkpoint").exists()
