"""A table of the experiment as the paper prints it; each number with its interval, its verdict and its section."""

from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from mtl.reporting.page.axes import Axis, axis_over
from mtl.reporting.places import PLACE, named
from mtl.reporting.results import read_csv

TEXT = ["group", "row", "method", "backbone", "extractor", "dataset", "verdict"]
NUMBERS = ["way", "shot", "accuracy", "ci95", "ci95_seeds", "seeds", "published", "published_ci95", "delta"]
ROW = ["group", "row", "method", "backbone", "extractor"]


@dataclass(frozen=True)
class NumberView:
    """One place of a table; texts are empty where there is nothing to say."""

    anchor: str
    accuracy: str
    ci95: str
    ci95_seeds: str
    published: str
    delta: str
    verdict: str
    reasons: str
    # Places on the axis of the column.
    at: float | None
    low: float | None
    high: float | None
    published_at: float | None


@dataclass(frozen=True)
class RowView:
    """A row; a group's first row has its name."""

    group: str
    label: str
    extractor: str
    numbers: list[NumberView | None]


@dataclass(frozen=True)
class TableView:
    """A table; `data` is what it was made from."""

    name: str
    title: str
    columns: list[str]
    rows: list[RowView]
    data: pd.DataFrame


def anchor_of(dataset: str, backbone: str, method: str, way: int, shot: int) -> str:
    """The name of a number's own section."""
    return f"{dataset}-{backbone}-{method}-{way}way-{shot}shot"


def read_table(csv: Path) -> pd.DataFrame:
    """A table as `mtl table` wrote it.

    Raises:
        UserError: it is missing or damaged.
    """
    return read_csv(csv, TEXT, NUMBERS)


def table_view(name: str, title: str, csv: Path, plan: dict[str, Any]) -> TableView:
    """A table, from the CSV that `mtl table` wrote."""
    data = read_table(csv)
    order = {dataset: index for index, dataset in enumerate(plan["datasets"])}
    places = sorted(
        set(data[PLACE].itertuples(index=False, name=None)), key=lambda place: (order.get(place[0], 0), *place[1:])
    )
    columns = named(places, plan)
    axes = {place: _axis(data[(data[PLACE] == list(place)).all(axis=1)]) for place in columns}
    several = len(set(data["extractor"])) > 1
    rows, before = [], None
    for _, lines in data.groupby(ROW, sort=False):
        first = lines.iloc[0]
        by_place = {tuple(line[key] for key in PLACE): line for line in lines.to_dict("records")}
        numbers = [_number(by_place[place], axes[place]) if place in by_place else None for place in columns]
        group = first["group"] if first["group"] != before else ""
        before = first["group"]
        rows.append(RowView(group, first["row"], first["extractor"] if several else "", numbers))
    return TableView(name, title, list(columns.values()), rows, data)


def _axis(lines: pd.DataFrame) -> Axis:
    ends = [
        value
        for name, interval in (("accuracy", "ci95"), ("published", "published_ci95"))
        for sign in (-1, 1)
        for value in lines[name] + sign * lines[interval].fillna(0)
    ]
    return axis_over(ends)


def _number(line: dict[Any, Any], axis: Axis) -> NumberView:
    accuracy, ci95 = line["accuracy"], line["ci95"]
    there = not isnan(accuracy)
    published = "" if isnan(line["published"]) else _text(line["published"])
    if published and not isnan(line["published_ci95"]):
        published += f" ± {_text(line['published_ci95'])}"
    verdict, reasons = short(line["verdict"])
    return NumberView(
        anchor=anchor_of(*(line[name] for name in ("dataset", "backbone", "method", "way", "shot"))),
        accuracy=_text(accuracy),
        ci95=_text(ci95),
        ci95_seeds=_text(line["ci95_seeds"]),
        published=published,
        delta="" if isnan(line["delta"]) else f"{line['delta']:+.2f}".replace("-", "−"),
        verdict=verdict,
        reasons=reasons and str(line["differences"]),
        at=axis.at(accuracy) if there else None,
        low=axis.at(accuracy - ci95) if there else None,
        high=axis.at(accuracy + ci95) if there else None,
        published_at=axis.at(line["published"]) if published else None,
    )


def short(verdict: str) -> tuple[str, str]:
    """A verdict in a word or two, and its reasons, if it gives any: `other-scale (…)` is not judged because of them."""
    return ("not-judged", verdict) if "(" in verdict else (verdict, "")


def _text(value: float) -> str:
    return "" if isnan(value) else f"{value:.2f}"
