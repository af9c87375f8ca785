"""Accuracy against the number of tasks seen, of methods that start from random weights."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from mtl.reporting.curves import PLACE, band, by_place, draw, points
from mtl.reporting.figure_style import label_ends, looks, panel, same_scale, save, style, title
from mtl.reporting.plans import current, read_plan
from mtl.reporting.results import existing, read_csv

FILES = ("history.csv",)
PUBLISHED = "methods"
LABELS = True
PANEL, LABELS_WIDTH = (3.6, 4.2), 2.6  # inches


def write(plan_text: str, published: Path, results: Path, csv: Path, pictures: Iterable[Path]) -> None:
    """Draws validation accuracy against tasks, and at the right edge what is published.

    Args:
        plan_text: title, labels and cells, as `Reports.figure` returns them.
        published: what the authors of the methods print, `config/published/methods.csv`: accuracies on test classes,
            after as many tasks as they took.
        results: the folder of results, with `history.csv` of every cell.
        csv: what is drawn: one line per point; `kind` is validation or published.
        pictures: the figure, in the formats of their suffixes.
    """
    plan = read_plan(plan_text, results)
    histories = existing(results, current(plan), "history.csv").items()
    curves = [points(cell, path, "validation", "tasks_seen", "validation_accuracy") for cell, path in histories]
    here = pd.concat(curves, ignore_index=True)
    printed = read_csv(published, ["dataset", "backbone", "method"], ["way", "shot", "accuracy"])
    printed = printed.merge(here[["method", *PLACE]].drop_duplicates(), on=["method", *PLACE])
    columns = ["kind", *PLACE, "method", "seed", "tasks_seen", "accuracy"]
    data = pd.concat([here, printed.assign(kind="published")], ignore_index=True)[columns]
    places = list(by_place(data))
    with style():
        size = ((PANEL[0] + LABELS_WIDTH) * len(places), PANEL[1] + 1)
        figure, axes = plt.subplots(1, len(places), figsize=size, squeeze=False, layout="constrained")
        ends, edges = {}, {}
        for axis, (place, own) in zip(axes[0], places, strict=True):
            labels = _labels(own, plan["methods"])
            ends[axis] = draw(axis, own[own["kind"] == "validation"], labels, "tasks_seen")
            edges[axis] = _published(axis, own[own["kind"] == "published"], plan["methods"])
            axis.set_title(panel(plan, place["dataset"], place["way"], place["shot"], place["backbone"]))
            axis.set_xlabel("tasks seen")
        same_scale(ends)
        for axis, own_ends in ends.items():
            label_ends(axis, own_ends, PANEL[1], edges[axis])
        axes[0, 0].set_ylabel("validation accuracy (%)")
        figure.suptitle(f"{title(plan)}\n{band(here)}; dashes at the right: published", fontsize="medium")
        save(figure, data, csv, pictures)


def _labels(own: pd.DataFrame, methods: dict[str, str]) -> dict[str, str]:
    """The labels of the curves, with what is published."""
    printed = own[own["kind"] == "published"].set_index("method")["accuracy"]
    return {
        name: f"{label} (published {printed[name]:.1f})" if name in printed else label
        for name, label in methods.items()
    }


def _published(axis: Axes, printed: pd.DataFrame, methods: dict[str, str]) -> float:
    """Marks printed accuracies, on test classes, at the right of the curves; returns where."""
    colors = {method: color for method, (color, _) in looks(methods).items()}
    right: float = axis.dataLim.x1 * 1.06
    for method, accuracy in zip(printed["method"], printed["accuracy"], strict=True):
        axis.plot([right], [accuracy], "_", color=colors[method], markersize=9, markeredgewidth=2)
    return right
