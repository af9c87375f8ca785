"""Runs one workload in its own process, to measure its memory or to run beside others.

    python -m benchmarks.child WORK BACKBONE,WIDTH,PIXELS THREADS REPEATS

Prints the seconds of the repetitions, after an untimed one, and the peak memory of the process before and after the
work, in GB.
"""

import sys
import time
from pathlib import Path

from benchmarks.scenes import Scene
from benchmarks.stages import evaluation, meta_training, pretraining
from mtl.runtime.device import set_up
from mtl.specs.networks import Network

WORKS = {"evaluation": evaluation, "meta-training": meta_training, "pre-training": pretraining}


def main() -> None:
    """Runs the workload."""
    work, network, threads, repeats = sys.argv[1:]
    name, width, pixels = network.split(",")
    device = set_up("auto", "float32", int(threads))
    ours = WORKS[work](Scene("", Network(name=name, width=int(width), image_size=int(pixels)), 20, 1, device)).ours
    before = _peak()
    ours()
    began = time.perf_counter()
    for _ in range(int(repeats)):
        ours()
    sys.stdout.write(f"{time.perf_counter() - began} {before} {_peak()}\n")


def _peak() -> float:
    # Not getrusage, whose peak a process inherits from its parent.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1e6


if __name__ == "__main__":
    main()
