"""What all figures share."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

from mtl.reporting.markdown import notes
from mtl.runtime.files import atomic, write_text


@contextmanager
def style() -> Iterator[None]:
    """The look of all figures."""
    # A fixed salt gives the SVG's elements the same names on every run.
    with sns.axes_style("whitegrid"), mpl.rc_context({"svg.hashsalt": "mtl", "svg.fonttype": "none"}):
        yield


def title(plan: dict[str, Any]) -> str:
    """The figure's title, with the remarks on the experiment and its datasets."""
    remarks = notes(plan)
    return "\n".join([plan["title"], *remarks])


def panel(plan: dict[str, Any], dataset: str, way: int, shot: int, backbone: str = "") -> str:
    """The heading of the panel of a dataset and a number of shots, with the backbone if there are several."""
    return f"{plan['datasets'][dataset]['title']}, {way}-way {shot}-shot" + (f", {backbone}" if backbone else "")


def save(figure: Figure, data: pd.DataFrame, csv: Path, pictures: Iterable[Path]) -> None:
    """Writes what is drawn as CSV and the figure in every format asked for; the same data give the same bytes."""
    write_text(csv, data.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    save_pictures(figure, pictures)


def save_pictures(figure: Figure, pictures: Iterable[Path]) -> None:
    """Writes the figure in every format asked for."""
    for path in pictures:
        with atomic(path) as temporary:
            metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
            figure.savefig(temporary, dpi=150, bbox_inches="tight", metadata=metadata)
    plt.close(figure)
