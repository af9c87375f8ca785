"""Every measured accuracy beside the printed one."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from mtl.evaluation.interval import mean_and_ci95
from mtl.reporting.figure_style import panel, save, style, title
from mtl.reporting.plans import current, read_plan
from mtl.reporting.published import read_published
from mtl.reporting.results import Accuracies, read_accuracies
from mtl.reporting.statistics import few_ci95

FILES = ("episodes.csv",)
PUBLISHED = "tables"
LABELS = True
ROW = 0.28  # inches
NAMES_WIDTH, PANEL_WIDTH = 2.5, 3.5  # inches
LEAST_SEEDS = 3  # for an interval over seeds; that of two would stretch the axis, and says next to nothing
KEY = ["dataset", "way", "shot", "method", "backbone"]


def write(plan_text: str, published: Path, results: Path, csv: Path, pictures: Iterable[Path]) -> None:
    """Draws measured and printed accuracies with their 95 % intervals, one panel per dataset, way and number of shots.

    From three seeds on, the interval of a measured one is that of its verdict, √(ci95² + ci95_seeds²); else it is over
    episodes alone.

    Args:
        plan_text: title, cells and labels of the methods in order, as `Reports.figure` returns them.
        published: the paper's numbers, `config/published/tables.csv`.
        results: the folder of results, with `episodes.csv` of the cells.
        csv: what is drawn: one line per cell.
        pictures: the figure, in the formats of their suffixes.
    """
    plan = read_plan(plan_text, results)
    cells = current(plan)
    printed = read_published(published).drop_duplicates(KEY)[[*KEY, "accuracy", "ci95"]]
    data = _measured(read_accuracies(results, cells)).merge(
        printed.rename(columns={"accuracy": "published", "ci95": "published_ci95"}), on=KEY, how="left"
    )
    order = {method: index for index, method in enumerate(plan["methods"])}
    data = data.iloc[np.lexsort([data["method"].map(order), data["shot"], data["way"], data["dataset"]])]
    panels = list(data.groupby(["dataset", "way", "shot"], sort=False))
    kinds = data[["method", "backbone"]].drop_duplicates()
    kinds = kinds.iloc[np.argsort(kinds["method"].map(order), kind="stable")]
    height = {kind: len(kinds) - 1 - index for index, kind in enumerate(kinds.itertuples(index=False, name=None))}
    size = (NAMES_WIDTH + PANEL_WIDTH * len(panels), ROW * len(kinds) + 1.2)
    with style():
        figure, axes = plt.subplots(1, len(panels), figsize=size, squeeze=False, sharey=True, layout="constrained")
        measured_color, printed_color = sns.color_palette("colorblind", 2)
        for axis, (_, rows) in zip(axes[0], panels, strict=True):
            place = rows.iloc[0]
            y = np.array([height[kind] for kind in zip(rows["method"], rows["backbone"], strict=True)])
            mark = {"fmt": "o", "markersize": 4, "capsize": 2, "linewidth": 1.2}
            axis.errorbar(
                rows["published"],
                y + 0.15,
                xerr=rows["published_ci95"].fillna(0),
                color=printed_color,
                label="published",
                **mark,
            )
            reach = np.hypot(rows["ci95"], rows["ci95_seeds"].fillna(0))
            axis.errorbar(rows["accuracy"], y - 0.15, xerr=reach, color=measured_color, label="measured", **mark)
            axis.set_title(panel(plan, place["dataset"], place["way"], place["shot"]), fontsize="medium")
            axis.set_xlabel("accuracy (%), 95 % interval")
        axes[0, 0].set_ylim(-0.6, len(kinds) - 0.4)
        axes[0, 0].set_yticks(list(height.values()), _names(kinds, plan["methods"]))
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize="small")
        figure.suptitle(f"{title(plan)}\n{_intervals(data)}", fontsize="medium")
        save(figure, data, csv, pictures)


def _names(kinds: pd.DataFrame, labels: dict[str, str]) -> list[str]:
    """The labels of the rows, with the backbone only where it is not the most common one."""
    usual = kinds["backbone"].mode()[0]
    return [
        labels[method] + ("" if backbone == usual else f" ({backbone})")
        for method, backbone in kinds.itertuples(index=False, name=None)
    ]


def _intervals(data: pd.DataFrame) -> str:
    """What the measured intervals are about, for the title."""
    if data["ci95_seeds"].isna().all():
        return "intervals over episodes"
    return "intervals over episodes and seeds" + (", or over episodes alone" if data["ci95_seeds"].isna().any() else "")


def _measured(accuracies: Accuracies) -> pd.DataFrame:
    """One line per method and place; the episodes of several seeds are pooled."""
    pooled: dict[tuple[object, ...], list[np.ndarray]] = {}
    for cell, values in accuracies.items():
        pooled.setdefault((cell.dataset, cell.way, cell.shot, cell.method, cell.backbone), []).append(values)
    lines = [(*key, *mean_and_ci95(np.concatenate(seeds)), _over_seeds(seeds)) for key, seeds in pooled.items()]
    return pd.DataFrame(lines, columns=[*KEY, "accuracy", "ci95", "ci95_seeds"])


def _over_seeds(accuracies: list[np.ndarray]) -> float:
    """The 95 % interval of the mean over seeds, from their accuracies by episode; NaN for few seeds."""
    return few_ci95(np.array([one.mean() for one in accuracies])) if len(accuracies) >= LEAST_SEEDS else float("nan")
