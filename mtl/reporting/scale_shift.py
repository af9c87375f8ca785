"""What scaling and shifting learned: how far Φ1 and Φ2 went from 1 and 0."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from safetensors import SafetensorError
from safetensors.numpy import load_file
from scipy import stats

from mtl.cell import Cell
from mtl.reporting.cells import read_csv
from mtl.reporting.figures import panel, save, style, title
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_json

KINDS = {"scale": "scale Φ1", "shift": "shift Φ2"}
BINS = 60
PANEL = (3.6, 2.6)  # inches


def write_scale_shift(
    layout: str, published: Path, models: Iterable[Path], csv: Path, pictures: Iterable[Path]
) -> None:
    """Draws histograms of the learned values, with the normal distributions that the TPAMI extension reports.

    Args:
        layout: title, as `Layouts.scale_shift` gives it.
        published: centre and width of the reported distributions, `config/published/scale-shift.csv`.
        models: the `model.safetensors` of cells that learned scales and shifts.
        csv: mean and standard deviation, measured and reported, by cell and kind.
        pictures: the figure, in the formats of their suffixes.

    Raises:
        UserError: a model cannot be read.
    """
    plan = read_json(layout, "--layout")
    reported = read_csv(published, ["dataset", "shot", "kind", "mean", "width"])
    values = {(Cell.of(path), kind): _values(path, kind) for path in models for kind in KINDS}
    lines = [
        {
            "dataset": cell.dataset, "backbone": cell.backbone, "seed": cell.seed, "way": cell.way, "shot": cell.shot,
            "kind": kind, "values": len(learned), "mean": learned.mean(), "width": learned.std(),
        }
        for (cell, kind), learned in values.items()
    ]  # fmt: skip
    data = pd.DataFrame(lines).merge(
        reported[["dataset", "shot", "kind", "mean", "width"]], on=["dataset", "shot", "kind"], how="left",
        suffixes=("", "_published"),
    )  # fmt: skip
    cells = list(dict.fromkeys(cell for cell, _ in values))
    with style():
        figure, axes = plt.subplots(
            2, len(cells), figsize=(PANEL[0] * len(cells), 2 * PANEL[1]), squeeze=False, layout="constrained"
        )
        for column, cell in enumerate(cells):
            for row, (kind, label) in enumerate(KINDS.items()):
                axis = axes[row, column]
                axis.hist(values[cell, kind], bins=BINS, density=True, color=sns.color_palette("colorblind")[0])
                own = (data["dataset"] == cell.dataset) & (data["shot"] == cell.shot) & (data["kind"] == kind)
                line = data[own].iloc[0]
                if not np.isnan(line["mean_published"]):
                    normal = stats.norm(line["mean_published"], line["width_published"])
                    x = np.linspace(*normal.interval(0.999), 200)
                    axis.plot(x, normal.pdf(x), "--", color="black", linewidth=1, label="published")
                    axis.legend(fontsize="small")
                axis.set_xlabel(label)
            axes[0, column].set_title(panel(plan, cell.dataset, cell.way, cell.shot), fontsize="medium")
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
