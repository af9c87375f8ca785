"""Tables: tidy as CSV, and laid out like the paper's as Markdown, measured numbers beside printed ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl.evaluation.interval import mean_and_ci95
from mtl.experiment.cell import Cell
from mtl.reporting.chosen import COLUMNS as CHOSEN
from mtl.reporting.chosen import Chosen, columns_of, in_words, read_chosen
from mtl.reporting.markdown import heading, markdown_table
from mtl.reporting.places import PLACE, Place, named
from mtl.reporting.plans import not_stale, read_plan
from mtl.reporting.published import Number, read_published, rule, verdict
from mtl.reporting.results import Accuracies, read_accuracies
from mtl.reporting.statistics import few_ci95
from mtl.runtime.files import write_text

VALUES = ("accuracy", "ci95", "ci95_seeds", "episodes", "seeds", *CHOSEN, "published", "published_ci95", "delta")
COLUMNS = [
    "table",
    "group",
    "row",
    "method",
    "dataset",
    "backbone",
    "extractor",
    "batch_norm",
    "way",
    "shot",
    *VALUES,
    "verdict",
    "differences",
]
ROW = ["group", "row", "method", "backbone", "extractor"]


def write_table(plan_text: str, published: Path, results: Path, logs: Path, csv: Path, markdown: Path) -> None:
    """Writes a table from the per-episode accuracies of its evaluated cells.

    Args:
        plan_text: the table's title, rows, columns and cells, as `Reports.table` returns them.
        published: the paper's numbers, `config/published/tables.csv`.
        results: the folder of results.
        logs: the folder of logs, to tell cells that failed from those that were not run.
        csv: one line per row, dataset, way and shot; accuracies in percent.
        markdown: rows as in the paper, one column per dataset, way and shot.
    """
    plan = read_plan(plan_text, results)
    printed = read_published(published)
    measured = read_accuracies(results, not_stale(plan))
    models = read_chosen(results, not_stale(plan))
    tidy = _tidy(plan, printed[printed["table"] == plan["table"]], measured, models, logs)
    write_text(csv, tidy.to_csv(index=False, lineterminator="\n"))
    write_text(markdown, _markdown(plan, tidy, measured))


def _tidy(
    plan: dict[str, Any], printed: pd.DataFrame, measured: Accuracies, models: dict[Cell, Chosen], logs: Path
) -> pd.DataFrame:
    lines = []
    for row in _rows(plan, printed):
        for dataset, way, shot in _columns(plan):
            same = (printed[ROW[:4]] == [row[name] for name in ROW[:4]]).all(axis=1)
            of_column = (printed["dataset"] == dataset) & (printed["way"] == way) & (printed["shot"] == shot)
            numbers = [
                Number(accuracy, None if np.isnan(ci95) else ci95)
                for accuracy, ci95 in printed.loc[same & of_column, ["accuracy", "ci95"]].itertuples(index=False)
            ]
            line = {"table": plan["table"], **row, "dataset": dataset, "way": way, "shot": shot}
            cells = [
                cell
                for cell in map(Cell.in_folder, plan["cells"])
                if (cell.method, cell.backbone, cell.dataset, cell.way, cell.shot)
                == (row["method"], row["backbone"], dataset, way, shot)
            ]
            if numbers or cells:
                own = [models[cell] for cell in cells if cell in measured and cell in models]
                values = _values(plan, cells, measured, numbers[0] if numbers else None, logs)
                lines.append(line | values | (columns_of(own) if own else {}))
    return pd.DataFrame(lines, columns=COLUMNS)


def _columns(plan: dict[str, Any]) -> list[Place]:
    """Dataset, way and shot of each column of accuracies."""
    return [(dataset, way, shot) for dataset, way, shot in plan["columns"]]


def _rows(plan: dict[str, Any], printed: pd.DataFrame) -> list[dict[str, str]]:
    """The printed rows about this experiment's datasets, in printed order, then the others."""
    datasets = [dataset for dataset, _, _ in _columns(plan)]
    rows = printed.loc[printed["dataset"].isin(datasets), ROW].drop_duplicates().to_dict("records")
    known = {(row["method"], row["backbone"]) for row in rows}
    return rows + [row for row in plan["rows"] if (row["method"], row["backbone"]) not in known]


def _values(
    plan: dict[str, Any], cells: list[Cell], measured: Accuracies, printed: Number | None, logs: Path
) -> dict[str, object]:
    """What was measured in one place of the table, with a cell per seed, and how it compares with the paper."""
    values: dict[str, object] = dict.fromkeys(VALUES, "")
    if printed is not None:
        values |= {"published": _text(printed.accuracy), "published_ci95": _text(printed.ci95)}
    there = [measured[cell] for cell in cells if cell in measured]
    if not there:
        return values | {"verdict": _absent(plan, cells, logs)}
    accuracy, ci95 = mean_and_ci95(np.concatenate(there))
    ci95_seeds = few_ci95(np.array([seed.mean() for seed in there]))
    made = _made(plan, cells[0])  # the same for all seeds
    return values | {
        "batch_norm": made["batch_norm"],
        "accuracy": _text(accuracy),
        "ci95": _text(ci95),
        "ci95_seeds": "" if len(there) == 1 else _text(ci95_seeds),
        "episodes": sum(map(len, there)),
        "seeds": len(there),
        "delta": "" if printed is None else _text(accuracy - printed.accuracy),
        "verdict": verdict(accuracy, ci95, ci95_seeds, printed, made["other"]),
        "differences": "" if printed is None else made["differences"],
    }


def _made(plan: dict[str, Any], cell: Cell) -> dict[str, Any]:
    """How a cell was made."""
    made: dict[str, Any] = plan["made"][plan["cells"][cell.folder]]
    return made


def _absent(plan: dict[str, Any], cells: list[Cell], logs: Path) -> str:
    """Why there is no number: `quoted` for a method that is not run, `failed` if a log ends with an error.

    `stale` for one that was made with other settings, else `not-run`.
    """
    if not cells:
        return "quoted"
    paths = [path for cell in cells for path in (logs / cell.folder).glob("*.log")]
    paths += [logs / cell.pretraining / "pretrain.log" for cell in cells]
    last_lines = [
        (path.read_text(encoding="utf-8", errors="replace").splitlines() or [""])[-1]
        for path in paths
        if path.is_file()
    ]
    # An interrupted job resumes when it is started again, so it has not failed.
    errors = [line for line in last_lines if line.startswith("mtl: error:") and "interrupted by" not in line]
    if errors:
        return "failed"
    return "stale" if any(cell.folder in plan["stale"] for cell in cells) else "not-run"


def _markdown(plan: dict[str, Any], tidy: pd.DataFrame, measured: Accuracies) -> str:
    columns = named(_columns(plan), plan)
    compared = set(tidy.loc[tidy["published"] != "", PLACE].itertuples(index=False, name=None))
    heads = [""] + (["feature extractor"] if len(set(tidy["extractor"])) > 1 else [])
    for column, name in columns.items():
        heads += [name, "paper"] if column in compared else [name]
    rows: list[list[str]] = []
    notes: dict[str, int] = {}
    group = None
    for _, lines in tidy.groupby(ROW, sort=False):
        row, by_column = lines.iloc[0], {tuple(line[PLACE]): line for _, line in lines.iterrows()}
        if row["group"] != group:
            group = row["group"]
            rows.append([f"*{group}*", *[""] * (len(heads) - 1)])
        shown = [row["row"]] + ([row["extractor"]] if "feature extractor" in heads else [])
        for column in columns:
            ours, theirs = _shown(by_column.get(column), notes)
            shown += [ours, theirs] if column in compared else [ours]
        rows.append(shown)
    footer = _footer(plan, tidy, measured) if measured else ["Nothing was measured yet."]
    for why, number in notes.items():
        footer += ["", f"[{number}] {why}"]
    footer += ["", rule(tidy["verdict"])] if compared else []
    footer += _models(tidy, columns)
    return "\n".join([*heading(plan), *markdown_table(heads, rows), "", *footer]) + "\n"


def _shown(line: "pd.Series[Any] | None", notes: dict[str, int]) -> tuple[str, str]:
    """What one place of the table shows: the measured number, and the printed one with the verdict.

    A verdict that gives reasons is long and holds for many numbers, so it goes to `notes` and is shown by its number.
    """
    if line is None:
        return "–", ""
    printed = f"{line['published']} ± {line['published_ci95']}" if line["published_ci95"] else line["published"]
    if line["verdict"] == "quoted":
        return "–", f"{printed}, quoted"
    if not line["accuracy"]:
        return line["verdict"], printed
    ours = f"{line['accuracy']} ± {line['ci95']}" + (line["ci95_seeds"] and f" (seeds ± {line['ci95_seeds']})")
    said = line["verdict"]
    if "(" in said:
        said = f"not judged [{notes.setdefault(said, len(notes) + 1)}]"
    return ours, f"{printed}, {said} ({float(line['delta']):+.1f})" if printed else ""


def _footer(plan: dict[str, Any], tidy: pd.DataFrame, measured: Accuracies) -> list[str]:
    """What the numbers are, and how they were made."""
    numbers = tidy[tidy["accuracy"] != ""]
    episodes, seeds = (sorted(set(numbers[name])) for name in ("episodes", "seeds"))
    ways = {way for _, way, _ in _columns(plan)}
    what = f"{ways.pop()}-way accuracy" if len(ways) == 1 else "Accuracy"
    line = (
        f"{what} in percent, mean over {_listed(episodes)} test episodes ± the 95 % interval "
        f"1.96 s/√n over these episodes; seeds: {_listed(seeds)}."
    )
    if min(seeds) == 1:
        line += " An interval of one seed does not contain what another seed would change."
    if max(seeds) > 1:
        line += " `seeds ±` is the 95 % interval of the mean over seeds, by Student's t."
    values: dict[str, list[str]] = {}
    for cell in measured:
        for words, value in _made(plan, cell)["shown"]:
            values.setdefault(words, []).append(value)
    distinct = {words: [value for value in dict.fromkeys(own) if value] for words, own in values.items()}
    run = (words.replace("{}", " or ".join(own)) for words, own in distinct.items() if own)
    return [line, "", f"What was run: {'; '.join(run)}."]


def _models(tidy: pd.DataFrame, columns: dict[Place, str]) -> list[str]:
    """Which models the numbers are those of."""
    rows = []
    for _, lines in tidy.groupby(ROW, sort=False):
        said = {tuple(line[PLACE]): in_words(line) for _, line in lines.iterrows()}
        if any(said.values()):
            rows.append([lines.iloc[0]["row"], *(said.get(column, "") for column in columns)])
    if not rows:
        return []
    return [
        "",
        "## Models",
        "",
        "The iteration that was chosen and its accuracy on the episodes that choose models, in percent, beside those "
        "of the last iteration.",
        "",
        *markdown_table(["", *columns.values()], rows),
    ]


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _listed(values: list[Any]) -> str:
    return ", ".join(map(str, values))
