"""The table of decisions as a figure: each difference with its interval, beside zero."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from mtl.reporting.figure_style import panel, save_pictures, style, title

ROW = 0.3  # inches
NAMES_WIDTH, PANEL_WIDTH = 3.6, 3.4  # inches
PLACE = ["dataset", "backbone", "way", "shot"]
# By whether the trained model is shared.
MARKS = {False: "trained again", True: "same trained model"}


def draw(plan: dict[str, Any], lines: pd.DataFrame, pictures: Iterable[Path]) -> None:
    """Draws one panel per dataset, backbone, and number of ways and shots, with decisions in the order of the table.

    Args:
        plan: the plan of the table of decisions, for titles.
        lines: the table; a line without a difference is an empty row.
        pictures: the figure, in the formats of their suffixes.
    """
    places = lines[PLACE].drop_duplicates()
    names = lines[["decision", "label"]].drop_duplicates()
    height = {name: len(names) - 1 - index for index, name in enumerate(names["decision"])}
    size = (NAMES_WIDTH + PANEL_WIDTH * len(places), ROW * len(names) + 1.6)
    with style():
        figure, axes = plt.subplots(
            1, len(places), figsize=size, squeeze=False, sharex=True, sharey=True, layout="constrained"
        )
        several = len(set(places["backbone"])) > 1
        for axis, place in zip(axes[0], places.to_dict("records"), strict=True):
            here = lines[(lines[PLACE] == pd.Series(place)).all(axis=1)]
            axis.axvline(0, color="black", linewidth=1)
            for color, (shared, label) in zip(sns.color_palette("colorblind"), MARKS.items(), strict=False):
                rows = here[here["shared"].str.contains("trained model") == shared]
                axis.errorbar(
                    rows["difference"].astype(float),
                    np.array([height[name] for name in rows["decision"]]),
                    xerr=rows["ci95"].astype(float),
                    fmt="s" if shared else "o",
                    markersize=4,
                    capsize=2,
                    linewidth=1.2,
                    color=color,
                    label=label,
                )
            backbone = place["backbone"] if several else ""
            axis.set_title(panel(plan, place["dataset"], place["way"], place["shot"], backbone), fontsize="medium")
            axis.set_xlabel("difference in accuracy (percentage points)")
        axes[0, 0].set_yticks(list(height.values()), names["label"].tolist())
        axes[0, 0].set_ylim(-0.6, len(names) - 0.4)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize="small")
        figure.suptitle(title(plan), fontsize="medium")
        save_pictures(figure, pictures)
