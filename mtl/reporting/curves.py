"""Accuracy against the length of training, as panels of curves."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from mtl.experiment.cell import Cell
from mtl.reporting.figure_style import End, looks
from mtl.reporting.results import read_csv

PLACE = ["dataset", "backbone", "way", "shot"]


def points(cell: Cell, path: Path, kind: str, x: str, y: str, ci95: str | None = None) -> pd.DataFrame:
    """The points of a cell's file: `kind`, the cell, `x` under its own name, `accuracy`, and `ci95` if it has one."""
    columns = [x, y] if ci95 is None else [x, y, ci95]
    table = read_csv(path, [], columns).dropna(subset=[y])
    place = {"dataset": cell.dataset, "backbone": cell.backbone, "way": cell.way, "shot": cell.shot}
    drawn = pd.DataFrame({"kind": kind, **place, "method": cell.method, "seed": cell.seed}, index=table.index)
    drawn = drawn.assign(**{x: table[x]}, accuracy=table[y])
    return drawn if ci95 is None else drawn.assign(ci95=table[ci95])


def by_place(data: pd.DataFrame) -> Iterable[tuple[dict[str, Any], pd.DataFrame]]:
    """The points of each dataset, backbone, and number of ways and shots."""
    groups: Iterable[tuple[Any, pd.DataFrame]] = data.groupby(PLACE, sort=False)
    for key, own in groups:
        yield dict(zip(PLACE, key, strict=True)), own


def draw(axis: Axes, data: pd.DataFrame, methods: dict[str, str], x: str) -> list[End]:
    """Draws one curve per method, and returns their ends for labels.

    With several seeds a curve is their mean and the band their range; with one, the band is its 95 % interval, where
    the points have one.
    """
    ends = []
    for method, (color, marker) in looks(methods).items():
        own = data[data["method"] == method]
        if own.empty:
            continue
        curve = own.groupby(x)["accuracy"].agg(["mean", "min", "max", "size"])
        low, high = curve["min"], curve["max"]
        if curve["size"].max() == 1 and "ci95" in own and own["ci95"].notna().all():
            reach = own.set_index(x)["ci95"].reindex(curve.index)
            low, high = curve["mean"] - reach, curve["mean"] + reach
        axis.plot(curve.index, curve["mean"], color=color, marker=marker, markersize=3.5, linewidth=1.5)
        axis.fill_between(curve.index, low, high, color=color, alpha=0.15, linewidth=0)
        ends.append((float(curve.index[-1]), float(curve["mean"].iloc[-1]), methods[method], color))
    return ends


def band(data: pd.DataFrame, of_one_seed: str = "") -> str:
    """What curve and band are, for a title: of several seeds, or what the band of a single one is, if it has any."""
    seeds = data.groupby([*PLACE, "method"])["seed"].nunique()
    single = f"one seed; band: {of_one_seed}" if of_one_seed else "one seed"
    if seeds.max() == 1:
        return single
    counts = " or ".join(map(str, sorted({count for count in seeds if count > 1})))
    several = f"curve: mean of {counts} seeds; band: their range"
    return several if seeds.min() > 1 else f"{several}; or {single}"


def draw_published(axis: Axes, data: pd.DataFrame, methods: dict[str, str], x: str) -> list[End]:
    """Draws printed curves, thin and dashed, and returns their ends for labels."""
    ends = []
    for method, (color, _) in looks(methods).items():
        own = data[data["method"] == method].sort_values(x)
        if own.empty:
            continue
        axis.plot(own[x], own["accuracy"], "--", color=color, linewidth=1, alpha=0.7)
        end = own.iloc[-1]
        ends.append((float(end[x]), float(end["accuracy"]), f"{methods[method]}, published", color))
    return ends
