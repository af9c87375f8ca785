"""What the columns and lines of reports are called: a dataset with the tasks that were drawn from it."""

from collections.abc import Iterable
from typing import Any

Place = tuple[str, int, int]
PLACE = ["dataset", "way", "shot"]


def named(places: Iterable[Place], plan: dict[str, Any]) -> dict[Place, str]:
    """The names of places (dataset, way, shot) in a report. Ways are named only if there are several."""
    distinct = list(dict.fromkeys(places))
    several = len({way for _, way, _ in distinct}) > 1
    return {
        (dataset, way, shot): f"{plan['datasets'][dataset]['title']} {f'{way}-way ' if several else ''}{shot}-shot"
        for dataset, way, shot in distinct
    }
