"""A few test episodes as pictures: what was shown, what was asked, what was answered."""

from dataclasses import dataclass

import numpy as np

from mtl.reporting.page.closer_look import CloserLook
from mtl.reporting.page.pictures import data_uri

SUPPORT, QUERIES, SIDE = 2, 4, 48  # images of each class that are shown, and their pixels
WHICH = {"the worst": 0.0, "the median": 0.5, "the best": 1.0}


@dataclass(frozen=True)
class AskedView:
    """A query: its picture, and the number of the class it was taken for if that is wrong."""

    picture: str
    taken_for: int | None


@dataclass(frozen=True)
class ShownClassView:
    """A class of an episode."""

    name: str
    support: list[str]
    queries: list[AskedView]


@dataclass(frozen=True)
class EpisodeView:
    """An episode; `right` of `asked` queries were taken for what they are."""

    which: str
    number: int
    right: int
    asked: int
    classes: list[ShownClassView]


def episode_views(look: CloserLook) -> list[EpisodeView]:
    """The worst, the median and the best episode of a cell; nothing without images."""
    if look.images is None:
        return []
    order = np.argsort(look.right.sum(axis=(1, 2)), kind="stable")
    chosen = {which: int(order[round(share * (len(order) - 1))]) for which, share in WHICH.items()}
    return [_episode(look, look.images, which, number) for which, number in chosen.items()]


def _episode(look: CloserLook, images: np.ndarray, which: str, number: int) -> EpisodeView:
    way = look.classes.shape[1]
    support, query, predicted = (part[number].reshape(way, -1) for part in (look.support, look.query, look.predicted))
    classes = [
        ShownClassView(
            look.test_classes[look.classes[number, label]],
            [data_uri(images[row], SIDE) for row in support[label, :SUPPORT]],
            [
                AskedView(data_uri(images[row], SIDE), None if said == label else int(said) + 1)
                for row, said in zip(query[label, :QUERIES], predicted[label, :QUERIES], strict=True)
            ],
        )
        for label in range(way)
    ]
    right = look.right[number]
    return EpisodeView(which, number, int(right.sum()), right.size, classes)
