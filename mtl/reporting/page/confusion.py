"""Which test classes a cell takes for which others."""

from dataclasses import dataclass

import numpy as np

from mtl.reporting.page.closer_look import CloserLook
from mtl.reporting.page.pictures import data_uri

MOST, PAIRS, SIDE = 24, 5, 24  # classes in the map, pairs beside it, pixels of a picture


@dataclass(frozen=True)
class ConfusedClassView:
    """A class of the map, with a picture and its row: `rates[j]` in percent, and `shades[j]` from 0 to 1."""

    name: str
    picture: str
    rates: list[float | None]
    shades: list[float]


@dataclass(frozen=True)
class PairView:
    """Two classes of the map by their places, and how often the first is taken for the second, in percent."""

    taken: int
    by: int
    rate: float


@dataclass(frozen=True)
class ConfusionView:
    """The map: rows are true classes, columns what they were taken for."""

    classes: list[ConfusedClassView]
    pairs: list[PairView]
    left_out: int


def confusion_rates(look: CloserLook) -> np.ndarray:
    """How often a class is taken for another: (C, C) of shares of the queries of i in the episodes that contain j.

    NaN where two classes never met.
    """
    count = len(look.test_classes)
    taken, asked = np.zeros((count, count)), np.zeros((count, count))
    episodes, way = look.classes.shape
    predicted = look.predicted.reshape(episodes, way, -1)
    for classes, labels in zip(look.classes, predicted, strict=True):
        taken[np.ix_(classes, classes)] += (labels[:, :, None] == np.arange(way)).sum(axis=1)
        asked[np.ix_(classes, classes)] += labels.shape[1]
    return np.divide(taken, asked, out=np.full_like(taken, np.nan), where=asked > 0)


def confusion_view(look: CloserLook) -> ConfusionView:
    """The map of the classes that are hardest to tell, and the pairs that are confused most."""
    rates = confusion_rates(look)
    hardest = np.argsort(np.nan_to_num(np.diag(rates), nan=1.0), kind="stable")[:MOST]
    shown = np.sort(hardest)
    part = rates[np.ix_(shown, shown)]
    others = np.nan_to_num(np.where(np.eye(len(shown), dtype=bool), 0.0, part))
    strongest = max(others.max(initial=0.0), 1e-9)
    shades = np.where(np.eye(len(shown), dtype=bool), np.nan_to_num(part), others / strongest)
    order = np.argsort(-others, axis=None, kind="stable")[:PAIRS]
    pairs = [(int(place) // len(shown), int(place) % len(shown)) for place in order]
    classes = [
        ConfusedClassView(
            look.test_classes[index],
            data_uri(look.first_image(look.test_classes[index]), SIDE),
            [None if np.isnan(rate) else round(100 * float(rate), 1) for rate in row],
            [round(float(shade), 2) for shade in shade_row],
        )
        for index, row, shade_row in zip(shown, part, shades, strict=True)
    ]
    views = [PairView(i, j, round(100 * float(others[i, j]), 1)) for i, j in pairs if others[i, j] > 0]
    return ConfusionView(classes, views, len(rates) - len(shown))
