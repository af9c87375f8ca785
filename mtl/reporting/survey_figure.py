"""A survey as a figure: the accuracy of each method with its interval, in order of accuracy."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.lines import Line2D

from mtl.reporting.figure_style import panel, save_pictures, style, title

PANEL = ["dataset", "backbone", "way", "shot"]
ROW, NAMES_WIDTH, PANEL_WIDTH = 0.26, 2.4, 3.2  # inches


def draw(plan: dict[str, Any], lines: pd.DataFrame, pictures: Iterable[Path]) -> None:
    """Draws one panel per dataset, backbone, and number of ways and shots; the best method is on top.

    Args:
        plan: the plan of the survey, for titles.
        lines: the table; a line without a number is left out.
        pictures: the figure, in the formats of their suffixes.
    """
    lines = lines.dropna(subset=["accuracy"])
    lines = lines.assign(reach=lines["ci95_seeds"].fillna(lines["ci95"]))
    alone = lines["ci95_seeds"].isna()
    over = "episodes of one seed" if alone.all() else "seeds, or episodes of one seed" if alone.any() else "seeds"
    panels: list[tuple[Any, pd.DataFrame]] = list(lines.groupby(PANEL, sort=False))
    colors = dict(zip(dict.fromkeys(lines["group"]), sns.color_palette("colorblind"), strict=False))
    most = max(len(here) for _, here in panels)
    size = ((NAMES_WIDTH + PANEL_WIDTH) * len(panels), ROW * most + 1.6)
    with style():
        figure, axes = plt.subplots(1, len(panels), figsize=size, squeeze=False, layout="constrained")
        for axis, ((dataset, backbone, way, shot), here) in zip(axes[0], panels, strict=True):
            ordered = here.sort_values("accuracy", kind="stable")
            heights = np.arange(len(ordered))
            for group, color in colors.items():
                own = (ordered["group"] == group).to_numpy()
                axis.errorbar(
                    ordered["accuracy"][own],
                    heights[own],
                    xerr=ordered["reach"][own],
                    fmt="o",
                    markersize=4,
                    capsize=2,
                    linewidth=1.2,
                    color=color,
                    label=group,
                )
            axis.set_yticks(heights, ordered["row"].tolist(), fontsize="small")
            axis.set_xlabel(f"accuracy (%), 95 % interval over {over}")
            axis.set_title(panel(plan, dataset, way, shot, backbone), fontsize="medium")
        handles = [Line2D([], [], marker="o", linestyle="", color=color) for color in colors.values()]
        figure.legend(handles, list(colors), loc="outside lower center", ncols=3, fontsize="small")
        figure.suptitle(title(plan), fontsize="medium")
        save_pictures(figure, pictures)
