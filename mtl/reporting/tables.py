"""Tables: tidy as CSV, and laid out like the paper's as Markdown."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from mtl.cell import Cell
from mtl.evaluation.statistics import mean_and_ci95
from mtl.runtime.files import read_json, write_text

COLUMNS = [
    "table", "row", "method", "dataset", "backbone", "protocol", "batch_norm", "way", "shot",
    "accuracy", "ci95", "episodes", "seeds",
]  # fmt: skip


def write_table(layout: str, episodes: Iterable[Path], csv: Path, markdown: Path) -> None:
    """Writes a table from the per-episode accuracies of its cells.

    Args:
        layout: the table's title, rows and remarks, as `Plan.table_layout` gives them.
        episodes: the `episodes.csv` of every cell.
        csv: one row per row, dataset, backbone, way and shot; accuracies in percent.
        markdown: rows as in the paper, one column per dataset and shot.
    """
    plan = read_json(layout, "--layout")
    tidy = _tidy(plan, [(Cell.of(path), pd.read_csv(path)["accuracy"]) for path in episodes])
    write_text(csv, tidy.to_csv(index=False, lineterminator="\n"))
    write_text(markdown, _markdown(plan, tidy))


def _tidy(plan: dict[str, Any], measured: list[tuple[Cell, "pd.Series[float]"]]) -> pd.DataFrame:
    """One line per row and column of the table. Episodes of several seeds are pooled: the interval is over episodes."""
    pooled: dict[tuple[str, str, str, int, int], list[pd.Series[float]]] = {}
    for cell, accuracies in measured:
        pooled.setdefault((cell.method, cell.dataset, cell.backbone, cell.way, cell.shot), []).append(accuracies)
    lines = []
    for row in plan["rows"]:
        for (method, dataset, backbone, way, shot), seeds in pooled.items():
            if method != row["method"]:
                continue
            accuracies = pd.concat(seeds)
            mean, ci95 = mean_and_ci95(accuracies.to_numpy())
            lines.append(
                {
                    "table": plan["table"],
                    "row": row["row"],
                    "method": method,
                    "dataset": dataset,
                    "backbone": backbone,
                    "protocol": plan["protocol"],
                    "batch_norm": plan["batch_norm"],
                    "way": way,
                    "shot": shot,
                    "accuracy": f"{mean:.2f}",
                    "ci95": f"{ci95:.2f}",
                    "episodes": len(accuracies),
                    "seeds": len(seeds),
                }
            )
    return pd.DataFrame(lines, columns=COLUMNS)


def _markdown(plan: dict[str, Any], tidy: pd.DataFrame) -> str:
    columns = list(tidy[["dataset", "backbone", "shot"]].drop_duplicates().itertuples(index=False, name=None))
    shown = tidy["accuracy"].astype(str) + " ± " + tidy["ci95"].astype(str)
    value = dict(
        zip(tidy[["method", "dataset", "backbone", "shot"]].itertuples(index=False, name=None), shown, strict=True)
    )
    lines = heading(plan, column_heads(plan, columns))
    group = None
    for row in plan["rows"]:
        if row["group"] != group:
            group = row["group"]
            lines.append(f"| *{group}* |" + " |" * len(columns))
        lines.append("| " + " | ".join([row["row"], *(value[(row["method"], *column)] for column in columns)]) + " |")
    way, episodes, seeds, backbones = (sorted(set(tidy[name])) for name in ("way", "episodes", "seeds", "backbone"))
    lines += [
        "",
        f"{_listed(way)}-way accuracy in percent, mean over {_listed(episodes)} test episodes ± the 95 % interval "
        f"1.96 s/√n over these episodes; seeds: {_listed(seeds)}, {_listed(backbones)}, {plan['batch_norm']} "
        "batch-norm statistics. Models, and inner steps where the config leaves a choice, are chosen on validation "
        "episodes.",
    ]
    return "\n".join(lines) + "\n"


def notes(plan: dict[str, Any]) -> list[str]:
    """The remarks on the experiment and on its datasets."""
    return [note for note in (plan["note"], *(entry["note"] for entry in plan["datasets"].values())) if note]


def heading(plan: dict[str, Any], heads: list[str]) -> list[str]:
    """Title and remarks of a table, and its first two lines."""
    return [
        f"# {plan['title']}",
        "",
        *(f"**{note}**\n" for note in notes(plan)),
        "| | " + " | ".join(heads) + " |",
        "|---|" + "---:|" * len(heads),
    ]


def column_heads(plan: dict[str, Any], columns: list[tuple[str, str, int]]) -> list[str]:
    """What stands above the columns of a table; the backbone only where there are several."""
    several = len({backbone for _, backbone, _ in columns}) > 1
    return [
        f"{plan['datasets'][dataset]['title']}{f', {backbone}' if several else ''} {shot}-shot"
        for dataset, backbone, shot in columns
    ]


def _listed(values: list[Any]) -> str:
    return ", ".join(map(str, values))
