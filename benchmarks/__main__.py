"""All benchmarks: one table of ratios measured side by side, printed and written as CSV.

    python -m benchmarks [--only GROUP ...] [--threads 2] [--csv FILE]

Only ratios mean anything: machines are shared, so both sides of a line are timed in turn.
"""

import argparse
import dataclasses
import platform
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import pandas as pd
import torch

from benchmarks.arithmetic import arithmetic
from benchmarks.learners import FROM_SCRATCH, ON_THETA, learners, whole_network
from benchmarks.processes import memory, packing, startup
from benchmarks.scenes import Scene, scenes
from benchmarks.set_statistics import set_statistics
from benchmarks.solvers import maml, solvers
from benchmarks.stages import stages
from benchmarks.timing import Comparison, Ratio
from mtl.reporting.markdown import markdown_table
from mtl.runtime.device import Device, set_up
from mtl.runtime.files import write_text
from mtl.specs.networks import Network


def main() -> None:
    """Runs them, and prints every line as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS), help="by default all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--csv", type=Path, help="where to write the table")
    options = parser.parse_args()
    device = set_up("auto", "float32", options.threads)
    machine = f"{_processor()}, {options.threads} threads, torch {torch.__version__}, {device.name}"
    sys.stdout.write(f"{machine}\n\n")
    lines = []
    for comparison in chain.from_iterable(GROUPS[name](device, options.threads) for name in options.only):
        line = comparison.measure() if isinstance(comparison, Comparison) else comparison
        lines.append(line)
        sys.stdout.write(f"{line.ratio:8.3f}  {line.subject}, {line.scale}, over {line.floor}\n")
        sys.stdout.flush()
        if options.csv:
            table = pd.DataFrame(map(dataclasses.asdict, lines)).assign(machine=machine)
            write_text(options.csv, table.to_csv(index=False, lineterminator="\n", float_format="%.4g"))
    heads = ["what", "network", "value", "beside", "its value", "ratio"]
    rows = [
        [x.subject, x.scale, f"{x.value:.3g} {x.unit}", x.floor, f"{x.floor_value:.3g} {x.unit}", f"{x.ratio:.3g}"]
        for x in lines
    ]
    sys.stdout.write("\n" + "\n".join(markdown_table(heads, rows)) + "\n")


def _stages(device: Device, _: int) -> Iterator[Comparison | Ratio]:
    for scene in scenes(device):
        yield from stages(scene)
        yield from solvers(scene)
        yield from arithmetic(scene)
        yield from set_statistics(scene)


def _learners(device: Device, _: int) -> Iterator[Comparison | Ratio]:
    yield from learners(scenes(device)[0], ON_THETA, 600)
    conv4 = _conv4(device, 32, 5)
    yield from learners(conv4, FROM_SCRATCH, 60)
    yield from whole_network(conv4)


def _maml(device: Device, _: int) -> Iterator[Comparison | Ratio]:
    yield maml(_conv4(device, 32, 5))
    yield maml(_conv4(device, 84, 3))


def _processes(device: Device, threads: int) -> Iterator[Comparison | Ratio]:
    small, large = scenes(device)
    yield packing(small, threads, 20)
    yield packing(large, threads, 1)
    yield from memory(large, threads)
    yield from startup()


def _conv4(device: Device, size: int, repeats: int) -> Scene:
    return Scene(f"4CONV, width 32, {size} px", Network(name="conv4", width=32, image_size=size), 20, repeats, device)


GROUPS: dict[str, Callable[[Device, int], Iterator[Comparison | Ratio]]] = {
    "stages": _stages,
    "learners": _learners,
    "maml": _maml,
    "processes": _processes,
}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
