"""What scaling and shifting learned: how far Φ1 and Φ2 moved from 1 and 0, layer by layer."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from safetensors import SafetensorError
from safetensors.numpy import load_file

from mtl.experiment.cell import Cell
from mtl.reporting.curves import PLACE, by_place
from mtl.reporting.figure_style import Color, panel, save, style, title
from mtl.reporting.plans import current, read_plan
from mtl.reporting.results import existing, read_csv
from mtl.runtime.errors import UserError

FILES = ("model.safetensors",)
PUBLISHED = "scale-shift"
LABELS = False
MODULATE = "ss"
# What a value was before meta-training.
KINDS = {"scale": ("scale Φ1", 1), "shift": ("shift Φ2", 0)}
ALL = "all"
QUANTILES = {"q025": 0.025, "q25": 0.25, "median": 0.5, "q75": 0.75, "q975": 0.975}
# Quantiles of the normal distribution, in standard deviations.
HALF, MOST = 0.674, 1.96
LAYER, HEIGHT = 0.28, 2.4  # inches


def write(plan_text: str, published: Path, results: Path, csv: Path, pictures: Iterable[Path]) -> None:
    """Draws the middle 50 and 95 % of the learned values of each layer, and of all beside what the extension reports.

    Args:
        plan_text: title and cells, as `Reports.figure` returns them; cells of several seeds make one panel.
        published: centre and width of the reported normal distributions, `config/published/scale-shift.csv`.
        results: the folder of results, with `model.safetensors` of the cells.
        csv: mean, standard deviation and quantiles by panel, kind and layer, from the input on; layer `all` has all
            values, beside the reported distribution.
        pictures: the figure, in the formats of their suffixes.

    Raises:
        UserError: a model cannot be read.
    """
    plan = read_plan(plan_text, results)
    values: dict[tuple[object, ...], list[np.ndarray]] = {}
    for cell, path in existing(results, current(plan), "model.safetensors").items():
        for kind in KINDS:
            layers = list(_layers(path, kind))
            named = {
                **{str(place): learned for place, learned in enumerate(layers, start=1)},
                ALL: np.concatenate(layers),
            }
            for name, learned in named.items():
                values.setdefault((*_place(cell), kind, name), []).append(learned)
    lines = [(*key, *_summary(np.concatenate(parts))) for key, parts in values.items()]
    reported = read_csv(published, ["dataset", "backbone", "kind"], ["way", "shot", "mean", "width"])
    data = pd.DataFrame(lines, columns=[*PLACE, "kind", "layer", "values", "mean", "width", *QUANTILES]).merge(
        reported[[*PLACE, "kind", "mean", "width"]].assign(layer=ALL),
        on=[*PLACE, "kind", "layer"],
        how="left",
        suffixes=("", "_published"),
    )
    several = len(set(data["backbone"])) > 1
    places = list(by_place(data))
    width = LAYER * (data["layer"].nunique() + 5) + 0.8
    with style():
        size = (width * len(places), 2 * HEIGHT + 0.8)
        figure, axes = plt.subplots(
            2, len(places), figsize=size, squeeze=False, sharex="col", sharey="row", layout="constrained"
        )
        for (place, own), column in zip(places, axes.T, strict=True):
            heading = panel(plan, place["dataset"], place["way"], place["shot"], place["backbone"] if several else "")
            column[0].set_title(heading)
            for axis, kind in zip(column, KINDS, strict=True):
                _draw(axis, own[own["kind"] == kind], KINDS[kind][1])
            column[1].set_xlabel("convolution, from the input on")
        for axis, (label, _) in zip(axes[:, 0], KINDS.values(), strict=True):
            axis.set_ylabel(label)
        note = "thick: half of the values, thin: 95 %, dot: median; dashed: before meta-training"
        figure.suptitle(f"{title(plan)}\n{note}", fontsize="medium")
        save(figure, data, csv, pictures)


def _draw(axis: Axes, lines: pd.DataFrame, start: float) -> None:
    """One stick per layer, then one for all layers, and the reported one."""
    measured, reported = sns.color_palette("colorblind", 2)
    axis.axhline(start, color="0.3", linestyle="--", linewidth=0.8)
    layers = lines[lines["layer"] != ALL]
    for place, line in enumerate(layers.to_dict("records")):
        _stick(axis, place, [line[name] for name in QUANTILES], measured)
    ticks = {float(place): name for place, name in enumerate(layers["layer"]) if place == 0 or (place + 1) % 3 == 0}
    together, right = lines[lines["layer"] == ALL].iloc[0], len(layers) + 0.5
    _stick(axis, right, [together[name] for name in QUANTILES], measured)
    ticks[right] = ALL
    if not np.isnan(together["mean_published"]):
        mean, width = together["mean_published"], together["width_published"]
        _stick(axis, right + 2, [mean + z * width for z in (-MOST, -HALF, 0, HALF, MOST)], reported)
        ticks[right + 2] = "published"
    axis.set_xticks(list(ticks), list(ticks.values()))
    axis.grid(visible=False, axis="x")


def _stick(axis: Axes, place: float, quantiles: list[float], color: Color) -> None:
    lowest, low, median, high, highest = quantiles
    axis.vlines(place, lowest, highest, color=color, linewidth=1)
    axis.vlines(place, low, high, color=color, linewidth=5)
    axis.plot([place], [median], "o", color="white", markeredgecolor=color, markersize=4)


def _place(cell: Cell) -> tuple[str, str, int, int]:
    return cell.dataset, cell.backbone, cell.way, cell.shot


def _summary(values: np.ndarray) -> tuple[float, ...]:
    return len(values), values.mean(), values.std(), *np.quantile(values, list(QUANTILES.values()))


def _layers(path: Path, kind: str) -> Iterable[np.ndarray]:
    """All scales or all shifts of a model, layer by layer: (n,) each."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: not a safetensors file ({error}); delete it and run again") from None
    for name in sorted(tensors, key=_by_number):
        if name.endswith(f".{kind}"):
            yield tensors[name].ravel()


def _by_number(name: str) -> list[tuple[int, str]]:
    """Sorts blocks and convolutions by their numbers, so that 10 follows 9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in name.split(".")]
