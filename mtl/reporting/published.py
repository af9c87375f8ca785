"""What the paper prints, and whether a measured number agrees with it."""

from dataclasses import dataclass
from math import hypot
from pathlib import Path

import pandas as pd

from mtl.reporting.cells import read_csv

COLUMNS = ["table", "group", "row", "method", "backbone", "extractor", "dataset", "way", "shot", "accuracy", "ci95"]
RULE = (
    "Verdicts: `agrees` if the measured and the printed number differ by at most √(ci95² + printed ci95²), else "
    "`higher` or `lower`; `other-scale`: measured with other images, widths or schedules than the paper's, so not "
    "judged; `no-reference`: nothing printed, or no interval; `quoted`: printed, for a method that is not run here; "
    "`not-run` and `failed`: nothing measured."
)


@dataclass(frozen=True)
class Number:
    """An accuracy in percent and the half-width of its interval; None is what nobody knows."""

    accuracy: float
    ci95: float | None


def read_published(path: Path) -> pd.DataFrame:
    """`config/published/tables.csv`; empty text where a row has no method or backbone.

    Raises:
        UserError: it has other columns.
    """
    table = read_csv(path, COLUMNS)
    names = ["group", "row", "method", "backbone", "extractor"]
    return table.assign(**{name: table[name].fillna("") for name in names})


def verdict(measured: Number, printed: Number | None, at_paper_scale: bool) -> str:
    """Whether a measured accuracy agrees with the printed one, by `RULE`."""
    if printed is None:
        return "no-reference"
    if not at_paper_scale:
        return "other-scale"
    if printed.ci95 is None or measured.ci95 is None:
        return "no-reference"
    delta = measured.accuracy - printed.accuracy
    if abs(delta) <= hypot(measured.ci95, printed.ci95):
        return "agrees"
    return "higher" if delta > 0 else "lower"
