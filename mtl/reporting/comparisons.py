"""Rows compared with rows: differences in accuracy over the same episodes, which are far surer than two intervals."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from mtl.cell import Cell
from mtl.evaluation.statistics import mean_and_ci95
from mtl.reporting.tables import column_heads, heading
from mtl.runtime.files import read_json, write_text

COLUMNS = ["method", "against", "dataset", "backbone", "way", "shot", "difference", "ci95", "episodes", "seeds"]


def write_comparisons(layout: str, episodes: Iterable[Path], csv: Path, markdown: Path) -> None:
    """Compares pairs of methods on the per-episode accuracies of their cells.

    Args:
        layout: title, pairs and labels, as `Plan.comparisons_layout` gives them.
        episodes: the `episodes.csv` of every cell.
        csv: one row per pair, dataset, backbone, way and shot; differences in percentage points.
        markdown: one row per pair, one column per dataset and shot.
    """
    plan = read_json(layout, "--layout")
    accuracies = {Cell.of(path): pd.read_csv(path, index_col="episode")["accuracy"] for path in episodes}
    lines = [line for method, against in plan["pairs"] for line in _compare(method, against, accuracies)]
    tidy = pd.DataFrame(lines, columns=COLUMNS)
    write_text(csv, tidy.to_csv(index=False, lineterminator="\n"))
    write_text(markdown, _markdown(plan, tidy))


def _compare(method: str, against: str, accuracies: dict[Cell, "pd.Series[float]"]) -> Iterable[dict[str, object]]:
    """One line per column of the table; episodes of several seeds are pooled."""
    differences: dict[tuple[str, str, int, int], list[pd.Series[float]]] = {}
    for cell, ours in accuracies.items():
        if cell.method == method:
            theirs = accuracies[Cell(cell.dataset, cell.backbone, cell.seed, against, cell.way, cell.shot)]
            differences.setdefault((cell.dataset, cell.backbone, cell.way, cell.shot), []).append(ours - theirs)
    for column, seeds in differences.items():
        pooled = pd.concat(seeds)
        mean, ci95 = mean_and_ci95(pooled.to_numpy())
        values = (method, against, *column, f"{mean:.2f}", f"{ci95:.2f}", len(pooled), len(seeds))
        yield dict(zip(COLUMNS, values, strict=True))


def _markdown(plan: dict[str, Any], tidy: pd.DataFrame) -> str:
    columns = list(tidy[["dataset", "backbone", "shot"]].drop_duplicates().itertuples(index=False, name=None))
    lines = heading(plan, column_heads(plan, columns))
    for (method, against), rows in tidy.groupby(["method", "against"], sort=False):
        values = [f"{float(a):+.2f} ± {b}" for a, b in zip(rows["difference"], rows["ci95"], strict=True)]
        lines.append(f"| {plan['labels'][method]} − {plan['labels'][against]} | {' | '.join(values)} |")
    lines += [
        "",
        "Mean difference in percentage points over the same test episodes ± the 95 % interval 1.96 s/√n of the "
        "differences. An interval that holds 0 tells nothing.",
    ]
    return "\n".join(lines) + "\n"
