"""One work in a process of its own, for its memory or to run beside others.

    python -m benchmarks.child WORK BACKBONE,WIDTH,PIXELS THREADS REPEATS

Prints how much memory the process had held at most before the work and after it, in GB.
"""

import resource
import sys

from benchmarks.scenes import Scene
from benchmarks.stages import evaluation, meta_training, pretraining
from mtl.runtime.device import set_up
from mtl.spec import Network, Runtime

WORKS = {"evaluation": evaluation, "meta-training": meta_training, "pre-training": pretraining}


def main() -> None:
    """Works."""
    work, network, threads, repeats = sys.argv[1:]
    name, width, pixels = network.split(",")
    device = set_up(Runtime("auto", "float32", int(threads)))
    ours = WORKS[work](Scene("", Network(name, int(width), int(pixels)), 20, 1, device)).ours
    before = _peak()
    for _ in range(int(repeats)):
        ours()
    sys.stdout.write(f"{before} {_peak()}\n")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
