"""Compares records of stages with what a config asks: which are missing, and which were made with other settings.

It goes by what the stages recorded. Snakemake's own records may be lost, and times set by hand.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mtl.experiment.load import Experiment
from mtl.reporting.records import records_of
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record
from mtl.specs.reading import digest_of, flat

OTHERWISE = "stale: made with other settings than the config asks"
SHOWN = 3  # settings that differ
# Files, each with what is wrong with it.
Problems = Iterator[tuple[Path, str]]


def cells_not_as_asked(experiment: Experiment, results: Path) -> Problems:
    """Records of cells and of what they share that are missing or differ from what the config asks.

    Args:
        experiment: what the config asks.
        results: the folder of results.
    """
    asked: dict[Path, Any] = {}
    for cell in experiment.inventory.cells():
        records = records_of(cell.folder, results)
        asked |= {records[stage]: spec for stage, spec in experiment.jobs.asked_specs(cell).items()}
    for record, spec in asked.items():
        yield from compared(record, spec, "provenance", "spec")


def compared(record: Path, asked: Any, *keys: str) -> Problems:
    """What is wrong with a record, if anything.

    Args:
        record: the file.
        asked: the spec that the config asks.
        keys: where the record holds the spec that was used. If it holds none, nothing is said.
    """
    if not record.is_file():
        yield record, "missing"
        return
    try:
        made = read_record(record, *keys)
    except UserError:
        return
    if digest_of(made) != digest_of(asked):
        yield record, f"{OTHERWISE} ({_differences(made, asked)})"


def _differences(made: Any, asked: Any) -> str:
    """The first settings that differ. A spec leaves out what has its default."""
    was, now = ({name: json.dumps(value) for name, value in flat(spec).items()} for spec in (made, asked))
    found = [
        f"{name} {was.get(name, 'default')}, asked {now.get(name, 'default')}"
        for name in {**now, **was}
        if was.get(name) != now.get(name)
    ]
    return "; ".join([*found[:SHOWN], *([f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else [])])
