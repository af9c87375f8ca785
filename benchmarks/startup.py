"""What a job costs before its first useful step, and what the workflow costs per job."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.timing import Ratio, compare

ROOT = Path(__file__).parents[1]


def startup() -> Iterator[Ratio]:
    """Processes that import what a stage or a report imports, and a dry run of the demo."""
    for subject, ours, floor, bare in (
        (
            "importing the evaluation stage",
            ("-c", "import mtl.evaluation.evaluate"),
            "import torch",
            ("-c", "import torch"),
        ),
        ("importing a table", ("-c", "import mtl.reporting.tables"), "import pandas", ("-c", "import pandas")),
        ("planning the demo", ("-m", "snakemake", "-n", "-F"), "snakemake --version", ("-m", "snakemake", "--version")),
    ):
        yield compare(subject, "", lambda ours=ours: _run(*ours), floor, lambda bare=bare: _run(*bare), 3)


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own
