"""Figure 4: accuracy against iteration, with and without hard tasks."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, ScalarFormatter

from mtl.reporting.curves import PLACE, band, by_place, draw, draw_published, points
from mtl.reporting.figure_style import label_ends, panel, same_scale, save, style, title
from mtl.reporting.plans import current, read_plan
from mtl.reporting.results import existing, read_csv

FILES = ("curve.csv", "history.csv")
PUBLISHED = "figure4"
LABELS = True
OF_ONE_SEED = "95 % interval over the test episodes"
PANEL, LABELS_WIDTH = (3.2, 2.6), 1.5  # inches


def write(plan_text: str, published: Path, results: Path, csv: Path, pictures: Iterable[Path]) -> None:
    """Draws test accuracy at the snapshots with the printed curves, and validation accuracy below.

    All panels have the same vertical scale. Where there are printed curves, which are much longer, the horizontal one
    is logarithmic beyond its first step.

    Args:
        plan_text: title, labels and cells, as `Reports.figure` returns them.
        published: the printed curves, `config/published/figure4.csv`.
        results: the folder of results, with `curve.csv` and `history.csv` of every cell.
        csv: what is drawn: one line per point; `kind` is test, validation or published.
        pictures: the figure, in the formats of their suffixes.
    """
    plan = read_plan(plan_text, results)
    cells, methods = current(plan), plan["methods"]
    curves, histories = (existing(results, cells, name).items() for name in FILES)
    tested = [points(cell, path, "test", "iteration", "accuracy", "ci95") for cell, path in curves]
    validated = [points(cell, path, "validation", "iteration", "validation_accuracy") for cell, path in histories]
    here = pd.concat([*tested, *validated], ignore_index=True)
    printed = read_csv(published, ["dataset", "backbone", "method"], ["way", "shot", "iteration", "accuracy"])
    printed = printed[printed["method"].isin(methods)].merge(here[PLACE].drop_duplicates(), on=PLACE)
    data = pd.concat([here, printed.assign(kind="published")], ignore_index=True)
    places = list(by_place(data))
    several = len(set(data["backbone"])) > 1
    with style():
        size = ((PANEL[0] + LABELS_WIDTH) * len(places), 2 * PANEL[1] + 0.8)
        figure, axes = plt.subplots(2, len(places), figsize=size, squeeze=False, sharex="col", layout="constrained")
        ends = {}
        for (place, own), top, bottom in zip(places, *axes, strict=True):
            kinds = {kind: own[own["kind"] == kind] for kind in ("test", "validation", "published")}
            ends[top] = draw(top, kinds["test"], methods, "iteration")
            ends[bottom] = draw(bottom, kinds["validation"], methods, "iteration")
            if not kinds["published"].empty:
                ends[top] += draw_published(top, kinds["published"], methods, "iteration")
                _logarithmic(top, kinds["published"]["iteration"])
            backbone = place["backbone"] if several else ""
            top.set_title(panel(plan, place["dataset"], place["way"], place["shot"], backbone))
            bottom.set_xlabel("iteration (meta-batches, hard ones included)")
        same_scale(ends)
        for axis, own_ends in ends.items():
            label_ends(axis, own_ends, PANEL[1])
        axes[0, 0].set_ylabel("test accuracy (%)")
        axes[1, 0].set_ylabel("validation accuracy (%)")
        figure.suptitle(f"{title(plan)}\n{band(here, OF_ONE_SEED)}", fontsize="medium")
        save(figure, data, csv, pictures)


def _logarithmic(axis: Axes, iterations: pd.Series) -> None:
    """An axis on which a short run and the printed one can both be read."""
    first, last = int(iterations[iterations > 0].min()), int(iterations.max())
    axis.set_xscale("symlog", linthresh=first, linscale=0.5)
    decades = [10**power * step for power in range(2, 6) for step in (1, 3)]
    axis.xaxis.set_major_locator(FixedLocator([0, *(tick for tick in decades if first <= tick <= last)]))
    axis.xaxis.set_major_formatter(ScalarFormatter())
    axis.minorticks_off()
