"""Figure 4: accuracy against iteration, with and without hard tasks."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from mtl.experiment.cell import Cell
from mtl.reporting.figure_style import panel, save, style, title
from mtl.reporting.plans import current, read_plan
from mtl.reporting.results import existing, read_csv

FILES = ("curve.csv", "history.csv")
PUBLISHED = "figure4"
LABELS = True
PLACE = ["dataset", "backbone", "way", "shot"]
PANEL = (3.6, 2.8)  # inches


def write(plan_text: str, published: Path, results: Path, csv: Path, pictures: Iterable[Path]) -> None:
    """Draws test accuracy at the snapshots over the printed curves, and validation accuracy below.

    Args:
        plan_text: title, labels and cells, as `Reports.figure` returns them.
        published: the printed curves, `config/published/figure4.csv`; drawn up to the last measured iteration.
        results: the folder of results, with `curve.csv` and `history.csv` of every cell.
        csv: what is drawn: one line per point; `kind` is test, validation or published.
        pictures: the figure, in the formats of their suffixes.
    """
    plan = read_plan(plan_text, results)
    cells = current(plan)
    files = {"test": ("curve.csv", "accuracy"), "validation": ("history.csv", "validation_accuracy")}
    points = pd.concat(
        [
            _points(cell, path, kind, column)
            for kind, (name, column) in files.items()
            for cell, path in existing(results, cells, name).items()
        ],
        ignore_index=True,
    )
    places = points[PLACE].drop_duplicates()
    printed = read_csv(published, ["dataset", "backbone", "method"], ["way", "shot", "iteration", "accuracy"])
    printed = printed[printed["method"].isin(plan["methods"]) & (printed["iteration"] <= points["iteration"].max())]
    data = pd.concat([points, printed.merge(places, on=PLACE).assign(kind="published")], ignore_index=True)
    with style():
        figure, axes = plt.subplots(
            2,
            len(places),
            figsize=(PANEL[0] * len(places), 2 * PANEL[1] + 0.8),
            squeeze=False,
            sharex="col",
            layout="constrained",
        )
        several = len(set(places["backbone"])) > 1
        for column, place in enumerate(places.to_dict("records")):
            here = data[(data[PLACE] == pd.Series(place)).all(axis=1)]
            backbone = place["backbone"] if several else ""
            head = panel(plan, place["dataset"], place["way"], place["shot"], backbone)
            axes[0, column].set_title(head, fontsize="medium")
            _draw(axes[0, column], here[here["kind"] != "validation"], plan["methods"])
            _draw(axes[1, column], here[here["kind"] == "validation"], plan["methods"])
            axes[1, column].set_xlabel("iteration (meta-batches, hard ones included)")
        axes[0, 0].set_ylabel("test accuracy (%)")
        axes[1, 0].set_ylabel("validation accuracy (%)")
        named = [pair for axis in axes[0] for pair in zip(*axis.get_legend_handles_labels(), strict=True)]
        labels = {label: line for line, label in named}
        figure.legend(labels.values(), labels.keys(), loc="outside lower center", ncols=len(labels), fontsize="small")
        figure.suptitle(title(plan), fontsize="medium")
        save(figure, data, csv, pictures)


def _points(cell: Cell, path: Path, kind: str, column: str) -> pd.DataFrame:
    table = read_csv(path, [], ["iteration", column]).dropna(subset=[column])
    place = {"dataset": cell.dataset, "backbone": cell.backbone, "way": cell.way, "shot": cell.shot}
    points = pd.DataFrame({"kind": kind, **place, "method": cell.method, "seed": cell.seed}, index=table.index)
    return points.assign(iteration=table["iteration"], accuracy=table[column])


def _draw(axis: Axes, points: pd.DataFrame, labels: dict[str, str]) -> None:
    """One curve per method, the mean over seeds with their range; a printed curve is thin and dashed."""
    for color, (method, label) in zip(sns.color_palette("colorblind", len(labels)), labels.items(), strict=True):
        for kind, lines in points[points["method"] == method].groupby("kind", sort=False):
            by_iteration = lines.groupby("iteration")["accuracy"]
            x, mean = by_iteration.mean().index, by_iteration.mean()
            if kind == "published":
                axis.plot(x, mean, "--", color=color, linewidth=1, alpha=0.6, label=f"{label}, published")
                continue
            axis.plot(x, mean, "o-", color=color, markersize=3, linewidth=1.5, label=label)
            axis.fill_between(x, by_iteration.min(), by_iteration.max(), color=color, alpha=0.2, linewidth=0)
