"""Accuracy against the number of tasks seen, of methods that start from random weights."""

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

FILES = ("history.csv",)
PUBLISHED = "methods"
LABELS = True
PLACE = ["dataset", "backbone", "way", "shot"]
PANEL = (4.6, 3.4)  # inches


def write(plan_text: str, published: Path, results: Path, csv: Path, pictures: Iterable[Path]) -> None:
    """Draws validation accuracy against tasks, and what is published as a dashed line.

    Args:
        plan_text: title, labels and cells, as `Reports.figure` returns them.
        published: what the authors of the methods print, `config/published/methods.csv`: accuracies on test classes,
            after as many tasks as they took.
        results: the folder of results, with `history.csv` of every cell.
        csv: what is drawn: one line per point; `kind` is validation or published.
        pictures: the figure, in the formats of their suffixes.
    """
    plan = read_plan(plan_text, results)
    histories = existing(results, current(plan), "history.csv")
    points = pd.concat([_points(cell, path) for cell, path in histories.items()], ignore_index=True)
    places = points[PLACE].drop_duplicates()
    printed = read_csv(published, ["dataset", "backbone", "method"], ["way", "shot", "accuracy"])
    printed = printed.merge(points[["method", *PLACE]].drop_duplicates(), on=["method", *PLACE])
    columns = ["kind", *PLACE, "method", "seed", "tasks_seen", "accuracy"]
    data = pd.concat([points, printed.assign(kind="published")], ignore_index=True)[columns]
    # The palette for the colour-blind has ten colours.
    palette = sns.color_palette("colorblind" if len(plan["methods"]) <= 10 else "husl", len(plan["methods"]))
    colors = dict(zip(plan["methods"], palette, strict=True))
    with style():
        size = (PANEL[0] * len(places), PANEL[1] + 0.8)
        figure, axes = plt.subplots(1, len(places), figsize=size, squeeze=False, layout="constrained")
        several = len(set(places["backbone"])) > 1
        for axis, place in zip(axes[0], places.to_dict("records"), strict=True):
            here = data[(data[PLACE] == pd.Series(place)).all(axis=1)]
            _draw(axis, here, plan["methods"], colors)
            backbone = place["backbone"] if several else ""
            head = panel(plan, place["dataset"], place["way"], place["shot"], backbone)
            axis.set_title(head, fontsize="medium")
            axis.set_xlabel("tasks seen")
        axes[0, 0].set_ylabel("validation accuracy (%)")
        named = {label: line for axis in axes[0] for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=3, fontsize="small")
        figure.suptitle(title(plan), fontsize="medium")
        save(figure, data, csv, pictures)


def _points(cell: Cell, path: Path) -> pd.DataFrame:
    table = read_csv(path, [], ["tasks_seen", "validation_accuracy"]).dropna(subset=["validation_accuracy"])
    place = {"dataset": cell.dataset, "backbone": cell.backbone, "way": cell.way, "shot": cell.shot}
    points = pd.DataFrame({"kind": "validation", **place, "method": cell.method, "seed": cell.seed}, index=table.index)
    return points.assign(tasks_seen=table["tasks_seen"], accuracy=table["validation_accuracy"])


def _draw(axis: Axes, points: pd.DataFrame, labels: dict[str, str], colors: dict[str, tuple[float, ...]]) -> None:
    """One curve per method, the mean over seeds with their range."""
    for method, label in labels.items():
        own = points[points["method"] == method]
        by_tasks = own[own["kind"] == "validation"].groupby("tasks_seen")["accuracy"]
        mean = by_tasks.mean()
        axis.plot(mean.index, mean, "o-", color=colors[method], markersize=3, linewidth=1.5, label=label)
        axis.fill_between(mean.index, by_tasks.min(), by_tasks.max(), color=colors[method], alpha=0.2, linewidth=0)
        for accuracy in own.loc[own["kind"] == "published", "accuracy"]:
            axis.axhline(
                accuracy, linestyle="--", linewidth=1, color=colors[method], label=f"{label}, published (test)"
            )
