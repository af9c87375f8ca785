"""What Snakemake measured of a job."""

import json
from pathlib import Path

import numpy as np


def measurement(path: Path, key: str) -> float:
    """A measurement of the last run of a job, NaN if there is none.

    Snakemake's times of the processor are samples, and miss short jobs; `s`, the seconds by the clock, is exact.

    Args:
        path: a benchmark file, JSON lines.
        key: `s`, or `max_rss` (MB), for example.
    """
    if not path.is_file():
        return np.nan
    value = json.loads(path.read_text(encoding="utf-8").splitlines()[-1]).get(key)
    return float(value) if isinstance(value, float | int) else np.nan
