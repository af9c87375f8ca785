"""What all figures share."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from mtl.reporting.markdown import notes
from mtl.runtime.files import atomic, write_text

Color = tuple[float, ...]
# x and y of the last point of a curve, its label and its colour.
End = tuple[float, float, str, Color]
# Narrower panels would make mountains of differences that an interval swallows.
LEAST_SPAN = 5.0  # percentage points
LABEL_HEIGHT = 0.15  # inches


@contextmanager
def style() -> Iterator[None]:
    """The look of all figures."""
    settings: dict[Any, Any] = {
        # A fixed salt gives the SVG's elements the same names on every run.
        "svg.hashsalt": "mtl",
        "svg.fonttype": "none",
        "axes.titlesize": "medium",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.linewidth": 0.6,
        "grid.color": "0.9",
        "legend.fontsize": "small",
        "legend.frameon": False,
    }
    with sns.axes_style("whitegrid"), mpl.rc_context(settings):
        yield


def looks(methods: Iterable[str]) -> dict[str, tuple[Color, str]]:
    """A colour and a marker for each method; the colours can be told apart by the colour-blind."""
    palette = sns.color_palette("colorblind")
    return {name: (palette[index % 10], "os^Dv"[index // 10 % 5]) for index, name in enumerate(methods)}


def title(plan: dict[str, Any]) -> str:
    """The figure's title, with the remarks on the experiment and its datasets."""
    remarks = notes(plan)
    return "\n".join([plan["title"], *remarks])


def panel(plan: dict[str, Any], dataset: str, way: int, shot: int, backbone: str = "") -> str:
    """The heading of the panel of a dataset and a number of shots, with the backbone if there are several."""
    return f"{plan['datasets'][dataset]['title']}, {way}-way {shot}-shot" + (f", {backbone}" if backbone else "")


def same_scale(axes: Iterable[Axes], room: float = 0.08) -> None:
    """Gives every panel a vertical axis of the same length, so that a slope means the same in all of them.

    Args:
        axes: the panels, already drawn.
        room: how much of the axis stays free above and below, as a fraction of it.
    """
    panels = list(axes)
    limits = [axis.dataLim.intervaly for axis in panels]
    span = max(LEAST_SPAN, *(high - low for low, high in limits)) * (1 + 2 * room)
    for axis, (low, high) in zip(panels, limits, strict=True):
        axis.set_ylim((low + high - span) / 2, (low + high + span) / 2)


def label_ends(axis: Axes, ends: Sequence[End], height: float, column: float | None = None) -> None:
    """Writes a label beside the end of each curve, moved up or down where they would overlap.

    Args:
        axis: the panel, with its final limits.
        ends: x and y of the last point of each curve, its label and its colour.
        height: the height of the panel in inches, about.
        column: where the labels of all curves stand; by default each stands beside its curve.
    """
    low, high = axis.get_ylim()
    gap = (high - low) * LABEL_HEIGHT / height
    columns: dict[float, list[End]] = {}
    for end in sorted(ends, key=lambda end: end[1]):
        columns.setdefault(end[0] if column is None else column, []).append(end)
    for stand, ordered in columns.items():
        for (x, y, label, color), place in zip(ordered, moved_apart([end[1] for end in ordered], gap), strict=True):
            axis.annotate(
                label,
                (x, y),
                (stand, place),
                textcoords=offset_copy(axis.transData, axis.get_figure(root=True), x=12, units="points"),
                color=color,
                fontsize="small",
                verticalalignment="center",
                arrowprops={
                    "arrowstyle": "-",
                    "color": color,
                    "linewidth": 0.6,
                    "shrinkA": 0,
                    "shrinkB": 2,
                    "relpos": (0, 0.5),
                },
                annotation_clip=False,
            )


def moved_apart(places: Sequence[float], gap: float) -> list[float]:
    """Rising places, moved as little as need be so that neighbours are at least `gap` apart.

    >>> moved_apart([1.0, 1.0, 5.0], 2.0)
    [0.0, 2.0, 5.0]
    """
    groups: list[list[float]] = []
    for place in places:
        groups.append([place])
        # A group lies about the mean of its places. Whoever comes too near joins it.
        while len(groups) > 1 and _span(groups[-2], gap)[1] + gap > _span(groups[-1], gap)[0]:
            last = groups.pop()
            groups[-1] += last
    spread = [_span(group, gap)[0] + gap * index for group in groups for index in range(len(group))]
    return spread


def _span(group: list[float], gap: float) -> tuple[float, float]:
    """Where a group begins and ends."""
    middle, half = sum(group) / len(group), gap * (len(group) - 1) / 2
    return middle - half, middle + half


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
