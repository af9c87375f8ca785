"""What jobs took, from Snakemake's benchmark files: wall time and memory."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl.experiment.cell import Cell

CELL_JOBS = ("meta-train", "evaluate", "curve")


@dataclass(frozen=True)
class StageView:
    """A stage: how many jobs it has, how many were timed, and what they took."""

    name: str
    jobs: int
    timed: int
    seconds: float
    longest: float
    memory: float

    @property
    def total(self) -> str:
        """The seconds of all jobs, in words."""
        return duration(self.seconds) if self.timed else ""


def took(path: Path) -> tuple[float, float] | None:
    """Seconds and megabytes of a job, None if nothing was measured. A short job may have no memory: 0."""
    try:
        last = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
        seconds = float(last["s"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    memory = last.get("max_rss")
    return seconds, float(memory) if isinstance(memory, int | float) else 0.0


def stage_views(plan: dict[str, Any], benchmarks: Path) -> list[StageView]:
    """The stages of the experiment in their order."""
    cells = [Cell.in_folder(folder) for folder in plan["asked"]]
    datasets = dict.fromkeys(cell.dataset for cell in cells)
    pretrained = dict.fromkeys(cell.pretraining for cell in cells)
    paths: dict[str, Iterable[Path]] = {
        "prepare": (path for dataset in datasets for path in sorted((benchmarks / dataset).glob("prepare-*.jsonl"))),
        "pretrain": (benchmarks / name / "pretrain.jsonl" for name in pretrained),
        **{job: [benchmarks / cell.folder / f"{job}.jsonl" for cell in cells] for job in CELL_JOBS},
    }
    return [_stage(name, jobs, paths.get(name, ())) for name, jobs in plan["stages"].items() if jobs]


def _stage(name: str, jobs: int, paths: Iterable[Path]) -> StageView:
    measured = [one for one in map(took, paths) if one is not None]
    seconds, memory = zip(*measured, strict=True) if measured else ((0.0,), (0.0,))
    return StageView(name, jobs, len(measured), sum(seconds), max(seconds), max(memory))


def duration(seconds: float) -> str:
    """Seconds in words: `45 s`, `12 min`, `3.4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
