"""The table of decisions: what each one, changed alone, does to accuracy over the same test episodes."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl.evaluation.interval import mean_and_ci95
from mtl.experiment.cell import Cell
from mtl.reporting.decisions_figure import draw
from mtl.reporting.markdown import heading, markdown_table
from mtl.reporting.places import PLACE, named
from mtl.reporting.plans import not_stale, read_plan
from mtl.reporting.records import records_of
from mtl.reporting.results import Accuracies, read_accuracies
from mtl.reporting.statistics import few_ci95
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record, write_text

COLUMNS = [
    "decision",
    "label",
    "base",
    "variant",
    "dataset",
    "backbone",
    "way",
    "shot",
    "changes",
    "base_accuracy",
    "accuracy",
    "difference",
    "ci95",
    "over",
    "count",
    "shared",
    "remark",
]
RULE = {
    "episodes": (
        "Difference: mean over {} test episodes, the same for both models, ± the 95 % interval 1.96 s/√n of the "
        "differences. It is about these two models; how much another seed changes is not in it."
    ),
    "seeds": ("Difference: mean over {} seeds, each over the same test episodes, ± the 95 % interval by Student's t."),
}
SHARED = (
    "Shared: what the changed cell takes from the unchanged one. If the trained model is shared, the decision is only "
    "about the test."
)


def write_decisions(plan_text: str, results: Path, csv: Path, markdown: Path, pictures: Iterable[Path]) -> None:
    """Compares the cells of each decision with those of its base.

    Args:
        plan_text: the decisions and their cells, as `VariantReports.decisions` returns them.
        results: the folder of results, with `episodes.csv` and `evaluation.json` of every cell.
        csv: one line per decision, dataset, backbone, and number of ways and shots, in the order of the plan.
        markdown: the same as a page.
        pictures: the differences with their intervals, in the formats of their suffixes.

    Raises:
        UserError: the experiment has none of the methods that decisions change.
    """
    plan = read_plan(plan_text, results)
    if not plan["lines"]:
        raise UserError(
            "config/decisions.yaml: base and shots: the experiment has no such cells; add them to its methods and shots"
        )
    cells = dict.fromkeys(cell for entry in plan["lines"] for pair in entry["pairs"] for cell in pair)
    measured = read_accuracies(results, not_stale({**plan, "cells": cells}))
    tidy = pd.DataFrame([_line(entry, plan, measured, results) for entry in plan["lines"]], columns=COLUMNS)
    write_text(csv, tidy.to_csv(index=False, lineterminator="\n", float_format="%.4f"))
    write_text(markdown, _markdown(plan, tidy))
    draw(plan, tidy, pictures)


def _line(entry: dict[str, Any], plan: dict[str, Any], measured: Accuracies, results: Path) -> dict[str, Any]:
    pairs = [(Cell.in_folder(first), Cell.in_folder(second)) for first, second in entry["pairs"]]
    place = pairs[0][0]
    line: dict[str, Any] = {
        **{name: entry[name] for name in ("decision", "label", "base", "variant")},
        **{name: getattr(place, name) for name in ("dataset", "backbone", "way", "shot")},
        "changes": "; ".join(f"{key}: {was} → {now}" for key, was, now in entry["changes"]),
        "shared": " and ".join(["Θ"] * entry["pretrained"] + ["trained model"] * entry["shared_model"]),
        "remark": "",
    }
    if not {*entry["trained_in"], *(cell.folder for pair in pairs for cell in pair)}.isdisjoint(plan["stale"]):
        return line | {"remark": "stale"}
    ours, theirs = ([measured[cell] for cell in cells] for cells in zip(*pairs, strict=True))
    means = [float(np.mean([values.mean() for values in side])) for side in (ours, theirs)]
    line |= {"base_accuracy": means[0], "accuracy": means[1], "difference": means[1] - means[0]}
    if len(pairs) > 1:
        by_seed = np.array([now.mean() - was.mean() for was, now in zip(ours, theirs, strict=True)])
        line |= {"ci95": few_ci95(by_seed), "over": "seeds", "count": len(by_seed)}
    else:
        line |= {"ci95": mean_and_ci95(theirs[0] - ours[0])[1], "over": "episodes", "count": len(ours[0])}
    alike = all(_computed_on(first, results) == _computed_on(second, results) for first, second in pairs)
    return line | {"remark": "" if alike else "devices or precisions differ"}


def _computed_on(cell: Cell, results: Path) -> list[str]:
    record = records_of(cell.folder, results)["evaluate"]
    return [read_record(record, "provenance", key) for key in ("device", "dtype")]


def _markdown(plan: dict[str, Any], tidy: pd.DataFrame) -> str:
    lines = heading(plan)
    places = named(tidy[PLACE].itertuples(index=False, name=None), plan)
    several = {"where": len(places) > 1, **{name: len(set(tidy[name])) > 1 for name in ("base", "backbone")}}
    rows = []
    for line in tidy.to_dict("records"):
        where = [places[line["dataset"], line["way"], line["shot"]]] * several["where"]
        named_by = [str(line[key]) for key in ("base", "backbone") if several[key]]
        label = line["label"] + (f" ({', '.join(named_by)})" if named_by else "")
        rows.append([label, *where, f"`{line['variant']}`", line["changes"], *_shown(line), line["shared"]])
    bases = " and ".join(dict.fromkeys(tidy["base"]))
    lines += [f"Each line changes one thing of {bases}, from the same Θ, with everything else as it is.", ""]
    heads = ["decision", *["where"] * several["where"], "method", "changes", "without", "with", "difference", "shared"]
    lines += [*markdown_table(heads, rows), ""]
    if not several["where"]:
        lines += [f"Accuracy in percent, {', '.join(places.values())}.", ""]
    for over, lines_over in tidy.dropna(subset=["over"]).groupby("over", sort=False):
        lines += [RULE[str(over)].format(" or ".join(map(str, lines_over["count"].astype(int).unique()))), ""]
    lines += [SHARED, ""]
    if plan["without_effect"]:
        lines += [f"So in this experiment anyway, and therefore not run: {'; '.join(plan['without_effect'])}.", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _shown(line: dict[Any, Any]) -> list[str]:
    """The two accuracies and their difference, or why there is none."""
    if pd.isna(line["difference"]):
        return ["–", "–", line["remark"]]
    remark = f" ({line['remark']})" if line["remark"] else ""
    difference = f"{line['difference']:+.2f} ± {line['ci95']:.2f}{remark}"
    return [f"{line['base_accuracy']:.2f}", f"{line['accuracy']:.2f}", difference]
