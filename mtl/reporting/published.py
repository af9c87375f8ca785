"""What the paper prints, and whether a measured number agrees with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot, isnan
from pathlib import Path

import pandas as pd

from mtl.reporting.results import read_csv

TEXT = ["table", "group", "row", "method", "backbone", "extractor", "dataset"]
NUMBERS = ["way", "shot", "accuracy", "ci95"]
VERDICTS = {
    "agrees": "the measured and the printed number differ by at most √(ci95² + ci95_seeds² + printed ci95²), where one "
    "seed has no ci95_seeds",
    "higher": "measured more than that above the printed number",
    "lower": "measured more than that below the printed number",
    "other-scale": "measured with another image size, width or number of steps than the paper's, so not judged",
    "other-protocol": "measured in another way than the paper's, so not judged; the CSV lists all differences",
    "no-reference": "nothing printed, or no interval",
    "quoted": "printed, for a method that is not run here",
    "failed": "a log of the cell or of its pre-training ends with an error",
    "stale": "measured with other settings than the config asks, so not shown",
    "not-run": "nothing measured",
}


def rule(verdicts: Iterable[str]) -> str:
    """Explains the verdicts that occur; always `agrees`, since it is the rule."""
    occurring = {"agrees", *(part.partition(" (")[0] for verdict in verdicts for part in verdict.split("; "))}
    return "Verdicts: " + "; ".join(f"`{name}`: {text}" for name, text in VERDICTS.items() if name in occurring) + "."


@dataclass(frozen=True)
class Number:
    """A printed accuracy in percent and the half-width of its interval; None if none is printed."""

    accuracy: float
    ci95: float | None


def read_published(path: Path) -> pd.DataFrame:
    """Reads `config/published/tables.csv`; a missing method or backbone becomes empty text.

    Raises:
        UserError: the file is malformed.
    """
    return read_csv(path, TEXT, NUMBERS)


def verdict(accuracy: float, ci95: float, ci95_seeds: float, printed: Number | None, other: str) -> str:
    """Whether a measured accuracy agrees with the printed one, by the rules of `VERDICTS`.

    Args:
        accuracy: the mean over the episodes of all seeds, in percent.
        ci95: half-width of its interval over episodes.
        ci95_seeds: half-width of its interval over seeds; NaN for one seed.
        printed: the paper's number, if there is one.
        other: the verdict if the two were not made alike; empty if they were.
    """
    if printed is None:
        return "no-reference"
    if other:
        return other
    if printed.ci95 is None:
        return "no-reference"
    delta = accuracy - printed.accuracy
    # Every seed draws its own episodes, so their part is in both of our intervals. Counting it twice is conservative:
    # it widens our part of the margin by 10 % for three seeds and by never more than √2. The printed interval has no
    # part for the paper's own seed, of which there was one.
    if abs(delta) <= hypot(ci95, 0.0 if isnan(ci95_seeds) else ci95_seeds, printed.ci95):
        return "agrees"
    return "higher" if delta > 0 else "lower"
