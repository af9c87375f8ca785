"""The convergence figure: accuracy against iteration, with and without hard tasks (paper, figure 4)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt
import seaborn as sns

from mtl.cell import Cell
from mtl.reporting.tables import notes
from mtl.runtime.files import atomic, read_json, write_text

PANEL_HEIGHT = 3.2  # inches


def write_convergence(layout: str, histories: Iterable[Path], csv: Path, png: Path, svg: Path) -> None:
    """Draws validation accuracy against meta-batches, one panel per dataset and shot, one curve per method.

    Args:
        layout: title, labels of the methods and of the datasets, as `Plan.convergence_layout` gives them.
        histories: the `history.csv` of every cell.
        csv: what is drawn: dataset, backbone, way, shot, method, seed, iteration, accuracy (percent).
        png: the figure.
        svg: the same as vectors.
    """
    plan = read_json(layout, "--layout")
    points = pd.concat([_points(path) for path in histories], ignore_index=True)
    write_text(csv, points.to_csv(index=False, lineterminator="\n"))

    drawn = points.assign(
        method=points["method"].map(plan["methods"]),
        panel=[
            f"{plan['datasets'][row.dataset]['title']}, {row.backbone}, {row.way}-way {row.shot}-shot"
            for row in points.itertuples()
        ],
    )
    # A fixed salt gives the SVG's elements the same names on every run.
    with sns.axes_style("whitegrid"), mpl.rc_context({"svg.hashsalt": "mtl", "svg.fonttype": "none"}):
        grid = sns.relplot(
            data=drawn, x="iteration", y="accuracy", hue="method", style="method", col="panel", kind="line",
            markers=True, dashes=False, height=PANEL_HEIGHT, aspect=1.3, errorbar=("se", 1.96), palette="colorblind",
            facet_kws={"sharey": False},
        )  # fmt: skip
        grid.set_titles("{col_name}")
        grid.set_axis_labels("iteration (meta-batches, hard ones included)", "validation accuracy (%)")
        if grid.legend is not None:
            grid.legend.set_title("")
        grid.figure.suptitle(_title(plan), y=1.04)
        for path in (png, svg):
            with atomic(path) as temporary:
                metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
                grid.figure.savefig(temporary, dpi=150, bbox_inches="tight", metadata=metadata)
        plt.close(grid.figure)


def _title(plan: dict[str, Any]) -> str:
    remarks = notes(plan)
    return f"{plan['title']} ({'; '.join(remarks)})" if remarks else str(plan["title"])


def _points(path: Path) -> pd.DataFrame:
    cell, history = Cell.of(path), pd.read_csv(path)
    validated = history.dropna(subset=["validation_accuracy"])
    return pd.DataFrame(
        {
            "dataset": cell.dataset,
            "backbone": cell.backbone,
            "way": cell.way,
            "shot": cell.shot,
            "method": cell.method,
            "seed": cell.seed,
            "iteration": validated["iteration"],
            "accuracy": validated["validation_accuracy"],
        }
    )
