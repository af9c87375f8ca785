"""The training classes that a method with hard tasks kept failing on, in the course of its meta-training."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtl.reporting.page.closer_look import CloserLook
from mtl.reporting.page.pictures import data_uri
from mtl.reporting.results import read_csv

MOST, PERIODS, SIDE = 12, 20, 24  # classes, stretches of the training, pixels of a picture


@dataclass(frozen=True)
class HardClassView:
    """A class: how often it failed in each period; `shades` from 0 to 1."""

    name: str
    picture: str
    times: list[int]
    shades: list[float]
    total: int


@dataclass(frozen=True)
class HardClassesView:
    """The classes that failed most; `starts` are the first iterations of the periods."""

    classes: list[HardClassView]
    starts: list[int]
    last: int
    failures: int
    known: int


def failures(history: Path) -> list[tuple[int, list[int]]]:
    """The iterations at which classes failed, with their places among the training classes.

    Empty for a method without hard tasks, and for a history that does not name them.
    """
    table = read_csv(history, [], ["iteration"])
    if "failed" not in table:
        return []
    named = table.dropna(subset=["failed"])
    # A column in which every cell has one class, or none, is one of numbers.
    return [
        (int(iteration), [int(float(place)) for place in str(places).split()])
        for iteration, places in named[["iteration", "failed"]].itertuples(index=False, name=None)
    ]


def hard_classes_view(look: CloserLook, history: Path) -> HardClassesView | None:
    """The classes that failed most often, over time; None if no failures are recorded."""
    found = failures(history) if history.is_file() else []
    if not found:
        return None
    last = found[-1][0]
    periods = min(PERIODS, last + 1)
    counts = np.zeros((len(look.train_classes), periods), int)
    for iteration, places in found:
        for place in places:
            counts[place, min(iteration * periods // (last + 1), periods - 1)] += 1
    order = np.argsort(-counts.sum(axis=1), kind="stable")[:MOST]
    most = counts[order].max()
    classes = [
        HardClassView(
            look.train_classes[place],
            data_uri(look.first_image(look.train_classes[place]), SIDE),
            counts[place].tolist(),
            [round(float(count / most), 2) for count in counts[place]],
            int(counts[place].sum()),
        )
        for place in order
        if counts[place].any()
    ]
    starts = [-(-period * (last + 1) // periods) for period in range(periods)]
    return HardClassesView(classes, starts, last, int(counts.sum()), len(look.train_classes))
