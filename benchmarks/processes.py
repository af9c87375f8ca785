"""Whole processes: start-up, peak memory, and whether several small ones beat one large one."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.child import WORKS
from benchmarks.scenes import Scene
from benchmarks.timing import Comparison, Ratio

ROOT = Path(__file__).parents[1]


def startup() -> Iterator[Comparison]:
    """The time before a job's first useful step, and before the workflow's first job."""
    for subject, ours, floor, bare in (
        ("importing the evaluation stage", ("-c", "import mtl.evaluation.evaluate"), "torch", ("-c", "import torch")),
        ("importing a table", ("-c", "import mtl.reporting.tables"), "pandas", ("-c", "import pandas")),
        ("planning the demo", ("-m", "snakemake", "-n", "-F"), "snakemake --version", ("-m", "snakemake", "--version")),
    ):
        yield Comparison(subject, "", partial(_run, *ours), floor, partial(_run, *bare), 3)


def packing(scene: Scene, threads: int, repeats: int) -> Ratio:
    """One process per thread at once, against one process that does all their work on all threads."""
    children = [_start(*_child("meta-training", scene, 1, repeats)) for _ in range(threads)]
    at_once = max(_numbers(_finish(child))[0] for child in children)
    whole, *_ = _numbers(_run(*_child("meta-training", scene, threads, repeats * threads)))
    subject, floor = f"{threads} meta-trainings at once, a thread each", f"one after another on {threads} threads"
    return Ratio(subject, scene.name, at_once, floor, whole, at_once / whole)


def memory(scene: Scene, threads: int) -> Iterator[Ratio]:
    """The peak memory of each stage beside that of its process once everything was loaded."""
    for work in WORKS:
        _, before, peak = _numbers(_run(*_child(work, scene, threads, 0)))
        floor = "its process with images and network"
        yield Ratio(f"peak memory of {work}", scene.name, peak, floor, before, peak / before, "GB")


def _numbers(output: str) -> list[float]:
    return [float(number) for number in output.split()]


def _child(work: str, scene: Scene, threads: int, repeats: int) -> tuple[str, ...]:
    network = scene.network
    where = f"{network.name},{network.width},{network.image_size}"
    return "-m", "benchmarks.child", work, where, str(threads), str(repeats)


def _run(*arguments: str) -> str:
    return _finish(_start(*arguments))


def _start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603 - our own


def _finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return output
