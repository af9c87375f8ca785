"""The table of rates: every meta-trained method at every learning rate of a list. Validation accuracy decides."""

from pathlib import Path
from typing import Any

import pandas as pd

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid
from mtl.experiment.variant_reports import rated_cells
from mtl.reporting.markdown import heading, markdown_table
from mtl.reporting.places import PLACE, named
from mtl.reporting.plans import read_plan
from mtl.reporting.results import read_csv
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record, write_text

KEY = ["dataset", "backbone", "method", "way", "shot"]
COLUMNS = [
    "method",
    "label",
    "dataset",
    "backbone",
    "way",
    "shot",
    "seed",
    "rate",
    "floor",
    "config_rate",
    "selected_iteration",
    "validation_accuracy",
    "accuracy",
    "ci95",
    "best",
    "remark",
]
RULE = (
    "Validation accuracy of the selected model / its test accuracy, in percent (the iteration of its selection). "
    "**The best on validation** is chosen; test accuracies choose nothing. `learning_rate_floor` is in proportion. "
    "Config: the rate that the experiment uses. Seed {}."
)


def write_rates(plan_text: str, results: Path, csv: Path, markdown: Path) -> None:
    """Writes what each method reaches at each rate.

    Args:
        plan_text: methods, rates and cells, as `VariantReports.rates` returns them.
        results: the folder of results; a cell without files is `not-run`.
        csv: one line per dataset, backbone, method, and number of ways and shots, and rate.
        markdown: rows are methods, columns are rates; one table per dataset, and number of ways and shots.

    Raises:
        UserError: there are no rates or no methods to compare.
    """
    plan = read_plan(plan_text, results)
    if not plan["lines"]:
        raise UserError("config: rates: is empty, or no method is meta-trained; write rates: [1.0e-4, 3.0e-4, 1.0e-3]")
    tidy = pd.DataFrame([_line(entry, plan, results) for entry in plan["lines"]], columns=COLUMNS)
    highest = tidy.groupby(KEY, sort=False)["validation_accuracy"].transform("max")
    # In a tie the first rate of the list.
    is_best = tidy["validation_accuracy"].eq(highest)
    tidy["best"] = is_best & ~tidy[is_best].duplicated(KEY).reindex(tidy.index, fill_value=False)
    write_text(csv, tidy.to_csv(index=False, lineterminator="\n"))
    write_text(markdown, _markdown(plan, tidy))


def not_chosen(csv: Path, grid: Grid) -> list[str]:
    """Where the learning rate of an experiment is not the one that its table of rates chose.

    Args:
        csv: the table, `rates.csv`.
        grid: the experiment.

    Returns:
        A line per method whose rate is another one, or that the table has no rate for; empty if all are as chosen.
    """
    table = read_csv(csv, ["dataset", "backbone", "method"], ["way", "shot", "rate"])
    best = table[table["best"].astype(bool)].set_index(KEY)["rate"].to_dict()
    problems = []
    for cell in rated_cells(grid):
        rate = grid.settings_of(cell)["meta_train"]["learning_rate"]
        chosen = best.get(tuple(getattr(cell, name) for name in KEY))
        if chosen != rate:
            found = "has none" if chosen is None else f"chose {chosen:g}"
            problems.append(f"{cell.folder}: the rate is {rate:g}, but {csv.name} {found}")
    return problems


def _line(entry: dict[str, Any], plan: dict[str, Any], results: Path) -> dict[str, Any]:
    cell = Cell.in_folder(entry["cell"])
    line = {
        **{name: getattr(cell, name) for name in ("dataset", "backbone", "way", "shot", "seed")},
        **{name: entry[name] for name in ("method", "label", "rate", "floor", "config_rate")},
    }
    if not {entry["cell"], entry["trained_in"]}.isdisjoint(plan["stale"]):
        return line | {"remark": "stale"}
    training, evaluation = results / entry["trained_in"] / "training.json", results / entry["cell"] / "evaluation.json"
    if not (training.is_file() and evaluation.is_file()):
        return line | {"remark": "not-run"}
    return line | {
        **{name: read_record(training, name) for name in ("selected_iteration", "validation_accuracy")},
        **{name: read_record(evaluation, name) for name in ("accuracy", "ci95")},
        "remark": "",
    }


def _markdown(plan: dict[str, Any], tidy: pd.DataFrame) -> str:
    lines = heading(plan)
    places = named(tidy[PLACE].itertuples(index=False, name=None), plan)
    rates = list(dict.fromkeys(tidy["rate"]))
    several = len(set(tidy["backbone"])) > 1
    for place, name in places.items():
        here = tidy[(tidy[PLACE] == list(place)).all(axis=1)]
        lines += [f"## {name}", ""]
        rows = []
        for (backbone, _), own in here.groupby(["backbone", "method"], sort=False):
            label = own["label"].iloc[0] + (f" ({backbone})" if several else "")
            rows.append([label, *map(_shown, own.to_dict("records")), f"{own['config_rate'].iloc[0]:g}"])
        lines += [*markdown_table(["", *(f"{rate:g}" for rate in rates), "config"], rows), ""]
    lines.append(RULE.format(" or ".join(map(str, sorted(tidy["seed"].unique())))))
    return "\n".join(lines) + "\n"


def _shown(line: dict[Any, Any]) -> str:
    if pd.isna(line["accuracy"]):
        return str(line["remark"])
    validation = f"{line['validation_accuracy']:.2f}"
    validation = f"**{validation}**" if line["best"] else validation
    return f"{validation} / {line['accuracy']:.2f} ({int(line['selected_iteration'])})"
