"""One work in a process of its own, for its memory or to run beside others.

    python -m benchmarks.child WORK BACKBONE,WIDTH,PIXELS THREADS REPEATS

Prints the seconds of the repetitions, after one without a clock, and how much memory the process had held at most
before the work and after it, in GB.
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
    """Works."""
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
    # Not that of getrusage, which a process takes over from the one that started it.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1e6


if __name__ == "__main__":
    main()
