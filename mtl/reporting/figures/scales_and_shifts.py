"""What scaling and shifting learned: how far Φ1 and Φ2 moved from 1 and 0."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from safetensors import SafetensorError
from safetensors.numpy import load_file
from scipy import stats

from mtl.reporting.figure_style import panel, save, style, title
from mtl.reporting.plans import current, read_plan
from mtl.reporting.results import existing, read_csv
from mtl.runtime.errors import UserError

FILES = ("model.safetensors",)
PUBLISHED = "scale-shift"
LABELS = False
MODULATE = "ss"
KINDS = {"scale": "scale Φ1", "shift": "shift Φ2"}
PLACE = ["dataset", "backbone", "way", "shot"]
BINS = 60
PANEL = (3.6, 2.6)  # inches


def write(plan_text: str, published: Path, results: Path, csv: Path, pictures: Iterable[Path]) -> None:
    """Draws histograms of the learned values, with the normal distributions that the TPAMI extension reports.

    Args:
        plan_text: title and cells, as `Reports.figure` returns them; cells of several seeds make one panel.
        published: centre and width of the reported distributions, `config/published/scale-shift.csv`.
        results: the folder of results, with `model.safetensors` of the cells.
        csv: mean and standard deviation, measured and reported, by panel and kind.
        pictures: the figure, in the formats of their suffixes.

    Raises:
        UserError: a model cannot be read.
    """
    plan = read_plan(plan_text, results)
    cells = current(plan)
    pooled: dict[tuple[str, str, int, int], dict[str, list[np.ndarray]]] = {}
    for cell, path in existing(results, cells, "model.safetensors").items():
        kinds = pooled.setdefault((cell.dataset, cell.backbone, cell.way, cell.shot), {})
        for kind in KINDS:
            kinds.setdefault(kind, []).append(_values(path, kind))
    values = {(place, kind): np.concatenate(seeds) for place, kinds in pooled.items() for kind, seeds in kinds.items()}
    lines = [(*place, kind, len(v), v.mean(), v.std()) for (place, kind), v in values.items()]
    reported = read_csv(published, ["dataset", "backbone", "kind"], ["way", "shot", "mean", "width"])
    data = pd.DataFrame(lines, columns=[*PLACE, "kind", "values", "mean", "width"]).merge(
        reported[[*PLACE, "kind", "mean", "width"]],
        on=[*PLACE, "kind"],
        how="left",
        suffixes=("", "_published"),
    )
    several = len({backbone for _, backbone, _, _ in pooled}) > 1
    color = sns.color_palette("colorblind")[0]
    with style():
        figure, axes = plt.subplots(
            2, len(pooled), figsize=(PANEL[0] * len(pooled), 2 * PANEL[1]), squeeze=False, layout="constrained"
        )
        for column, place in enumerate(pooled):
            dataset, backbone, way, shot = place
            axes[0, column].set_title(panel(plan, dataset, way, shot, backbone if several else ""), fontsize="medium")
            for axis, (kind, label) in zip(axes[:, column], KINDS.items(), strict=True):
                axis.hist(values[place, kind], bins=BINS, density=True, color=color, linewidth=0)
                axis.set_xlabel(label)
                line = data[(data[PLACE] == list(place)).all(axis=1) & (data["kind"] == kind)].iloc[0]
                if not np.isnan(line["mean_published"]):
                    normal = stats.norm(line["mean_published"], line["width_published"])
                    x = np.linspace(*normal.interval(0.999), 200)
                    axis.plot(x, normal.pdf(x), "--", color="black", linewidth=1, label="published")
                    axis.legend(fontsize="small")
        axes[0, 0].set_ylabel("density")
        axes[1, 0].set_ylabel("density")
        figure.suptitle(title(plan), fontsize="medium")
        save(figure, data, csv, pictures)


def _values(path: Path, kind: str) -> np.ndarray:
    """All scales or all shifts of a model: (n,)."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: not a safetensors file ({error}); delete it and run again") from None
    return np.concatenate([tensor.ravel() for name, tensor in tensors.items() if name.endswith(f".{kind}")])
