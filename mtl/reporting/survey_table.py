"""Surveys: methods on one footing, each compared with a few others over the same test episodes."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl.evaluation.interval import mean_and_ci95
from mtl.experiment.cell import Cell
from mtl.reporting.job_cost import measurement
from mtl.reporting.markdown import heading, markdown_table
from mtl.reporting.places import PLACE, Place, named
from mtl.reporting.plans import not_stale, read_plan
from mtl.reporting.ranks import DRAWS, ranks
from mtl.reporting.results import Accuracies, read_accuracies, read_csv
from mtl.reporting.statistics import few_ci95
from mtl.reporting.survey_figure import PANEL, draw
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record, write_text

KEY = ["method", *PANEL]
RULE = (
    "Accuracy in percent: mean over all test episodes ± the 95 % interval 1.96 s/√n over episodes. Difference: over "
    "the same episodes, ± its 95 % interval, over {over}. Rank: among the rows of the same backbone, over the seeds "
    f"that all of them have, with the 95 % interval of {DRAWS} bootstrap samples of seeds and episodes. Statistics: "
    "whose mean and variance batch norm takes; if not `running`, a query's features depend on the other queries of "
    "its task (transductive). Tasks: those that the tested model was meta-trained on. Learned: values that "
    "meta-training changes. Seconds: of the jobs of meta-training and evaluation as Snakemake measured them, summed "
    "over seeds, without pre-training; beside other jobs they take longer, and of an interrupted job only the last "
    "part is known. Published: on other images, networks, schedules and episodes, so not to be compared in detail."
)
ONE_SEED = (
    "With one seed, differences and ranks are about these models: another seed may change their order, and no interval "
    "here holds that."
)


def write_survey(
    plan_text: str,
    published: Path,
    tables: Path,
    results: Path,
    benchmarks: Path,
    csv: Path,
    markdown: Path,
    pictures: Iterable[Path],
) -> None:
    """Compares methods with each other.

    Args:
        plan_text: rows and cells, as `Surveys.plan` returns them.
        published: the numbers that the authors of each method print, `config/published/methods.csv`.
        tables: those of the paper and of its extension, `config/published/tables.csv`.
        results: the folder of results.
        benchmarks: the folder in which Snakemake keeps the cost of each job.
        csv: one line per method, dataset, backbone, and number of ways and shots.
        markdown: a table per dataset, and number of ways and shots.
        pictures: the accuracies with their intervals, in the formats of their suffixes.

    Raises:
        UserError: no cell has been evaluated with the settings that the config asks.
    """
    plan = read_plan(plan_text, results)
    measured = read_accuracies(results, not_stale(plan))
    printed = pd.concat(
        read_csv(path, ["method", "dataset", "backbone", "source"], ["way", "shot", "accuracy", "ci95"])
        for path in (published, tables)
    )
    # A row may stand in several tables.
    printed = printed.drop_duplicates(KEY)[[*KEY, "accuracy", "ci95", "source"]]
    lines = [line for row in plan["rows"] for line in _lines(row, plan, measured, results, benchmarks)]
    if all(line["remark"] for line in lines):
        raise UserError(
            f"{plan['table']}: no method was evaluated with the settings that the config asks, for all seeds"
        )
    tidy = _with_ranks(pd.DataFrame(lines), measured)
    tidy = tidy.merge(
        printed.rename(columns={"accuracy": "published", "ci95": "published_ci95"}), on=KEY, how="left", sort=False
    )
    write_text(csv, tidy.to_csv(index=False, lineterminator="\n", float_format="%.4f"))
    write_text(markdown, _markdown(plan, tidy))
    draw(plan, tidy, pictures)


def _lines(
    row: dict[str, Any], plan: dict[str, Any], measured: Accuracies, results: Path, benchmarks: Path
) -> list[dict[str, Any]]:
    cells = [Cell.in_folder(folder) for folder in plan["cells"]]
    waiting = {cell for cell in cells if cell not in measured}
    own = [cell for cell in cells if (cell.method, cell.backbone) == (row["method"], row["backbone"])]
    lines = []
    for dataset, way, shot in dict.fromkeys((cell.dataset, cell.way, cell.shot) for cell in own):
        here = [cell for cell in own if (cell.dataset, cell.way, cell.shot) == (dataset, way, shot)]
        line = {
            "table": plan["table"],
            **{name: row[name] for name in ("group", "row", "method", "backbone")},
            **{"dataset": dataset, "way": way, "shot": shot},
            "statistics": plan["cells"][here[0].folder],
        }
        if not set(here) <= measured.keys():
            lines.append(line | {"remark": "stale" if {cell.folder for cell in here} & {*plan["stale"]} else "not-run"})
            continue
        by_seed = np.array([measured[cell].mean() for cell in here])
        line |= {
            "seeds": len(here),
            "episodes": sum(len(measured[cell]) for cell in here),
            "accuracy": by_seed.mean(),
            "ci95": mean_and_ci95(np.concatenate([measured[cell] for cell in here]))[1],
            "ci95_seeds": few_ci95(by_seed),
        }
        for other in plan["against"]:
            line |= _difference(here, other, measured, waiting)
        lines.append(line | _cost(here, row["trained"], results, benchmarks) | {"remark": ""})
    return lines


def _difference(cells: list[Cell], other: str, measured: Accuracies, waiting: set[Cell]) -> dict[str, Any]:
    """The difference to another method of the same backbone, over the episodes of the seeds that both have.

    There is none while cells of that method are `waiting` to be evaluated.
    """
    others = [replace(cell, method=other) for cell in cells]
    pairs = [(cell, second) for cell, second in zip(cells, others, strict=True) if second in measured]
    if cells[0].method == other or not pairs or not waiting.isdisjoint(others):
        return {f"minus_{other}": np.nan, f"minus_{other}_ci95": np.nan}
    differences = [measured[first] - measured[second] for first, second in pairs]
    by_seed = np.array([values.mean() for values in differences])
    ci95 = few_ci95(by_seed) if len(by_seed) > 1 else mean_and_ci95(differences[0])[1]
    return {f"minus_{other}": by_seed.mean(), f"minus_{other}_ci95": ci95}


def _cost(cells: list[Cell], trained: bool, results: Path, benchmarks: Path) -> dict[str, Any]:
    """What the cells of a row saw and took."""
    records = [results / cell.folder / "training.json" for cell in cells if trained]
    tasks = [
        read_record(path, "selected_iteration") * read_record(path, "provenance", "spec", "meta_train", "tasks")
        for path in records
    ]
    jobs = ["meta-train", "evaluate"] if trained else ["evaluate"]
    seconds = [measurement(benchmarks / cell.folder / f"{job}.jsonl", "s") for cell in cells for job in jobs]
    return {
        "tasks_seen": float(np.mean(tasks)) if tasks else 0.0,
        "learned_parameters": read_record(records[0], "learned_parameters") if records else 0,
        "seconds": float(np.sum(seconds)),
    }


def _with_ranks(tidy: pd.DataFrame, measured: Accuracies) -> pd.DataFrame:
    """Adds the rank of each line among those of its panel, over the seeds that all of them have."""
    columns = {name: pd.Series(np.nan, index=tidy.index) for name in ("rank", "rank_low", "rank_high", "ranked")}
    for panel, lines in tidy[tidy["remark"] == ""].groupby(PANEL, sort=False):
        place: dict[str, Any] = dict(zip(PANEL, panel, strict=True))
        seeds = sorted(set.intersection(*(_seeds(measured, **place, method=method) for method in lines["method"])))
        if not seeds:
            continue
        cells = [[Cell(**place, method=method, seed=seed) for seed in seeds] for method in lines["method"]]
        found = ranks(np.array([[measured[cell] for cell in row] for row in cells]))
        for name, values in zip(columns, (*found, np.full(len(lines), len(lines))), strict=True):
            columns[name][lines.index] = values
    return tidy.assign(**columns)


def _seeds(measured: Accuracies, **place: Any) -> set[int]:
    return {cell.seed for cell in measured if all(getattr(cell, name) == value for name, value in place.items())}


def _markdown(plan: dict[str, Any], tidy: pd.DataFrame) -> str:
    lines = heading(plan)
    places = named(tidy[PLACE].itertuples(index=False, name=None), plan)
    for place, name in places.items():
        lines += [f"## {name}", "", *_table(plan, tidy, place), ""]
    seeds = tidy["seeds"].dropna().astype(int).unique()
    over = "episodes" if max(seeds) == 1 else "seeds (Student's t)"
    over += ", or episodes of one seed" if max(seeds) > min(seeds) == 1 else ""
    lines += [RULE.format(over=over), *(["", ONE_SEED] if max(seeds) == 1 else [])]
    sources = tidy.dropna(subset=["published"]).drop_duplicates(["row", "source"])
    cited = [f"{row}: {source}" for row, source in sources[["row", "source"]].itertuples(index=False)]
    lines += ["", f"Published numbers. {'; '.join(cited)}."] if cited else []
    return "\n".join(lines) + "\n"


def _table(plan: dict[str, Any], tidy: pd.DataFrame, place: Place) -> list[str]:
    here = tidy[(tidy[PLACE] == list(place)).all(axis=1)]
    several = len(set(here["backbone"])) > 1
    heads = ["", *(["backbone"] if several else []), "statistics", "accuracy"]
    heads += [f"− {label}" for label in plan["against"].values()]
    heads += ["rank", "tasks", "learned", "seconds", "published"]
    rows: list[list[str]] = []
    group = None
    for line in here.to_dict("records"):
        if line["group"] != group:
            group = line["group"]
            rows.append([f"*{group}*", *[""] * (len(heads) - 1)])
        named_by = [line["backbone"]] if several else []
        rows.append([line["row"], *named_by, line["statistics"], *_shown(line, list(plan["against"]))])
    return markdown_table(heads, rows)


def _shown(line: dict[Any, Any], against: list[str]) -> list[str]:
    published = "–" if pd.isna(line["published"]) else f"{line['published']:.2f}"
    published += "" if pd.isna(line["published_ci95"]) else f" ± {line['published_ci95']:.2f}"
    if line["remark"]:
        return [line["remark"], *["–"] * (len(against) + 4), published]
    seeds = "" if pd.isna(line["ci95_seeds"]) else f" (seeds ± {line['ci95_seeds']:.2f})"
    shown = [f"{line['accuracy']:.2f} ± {line['ci95']:.2f}{seeds}"]
    for other in against:
        difference = line[f"minus_{other}"]
        shown.append("–" if pd.isna(difference) else f"{difference:+.2f} ± {line[f'minus_{other}_ci95']:.2f}")
    low, high = (int(line[name]) for name in ("rank_low", "rank_high"))
    cost = [f"{int(line[name]):,}" if line[name] else "–" for name in ("tasks_seen", "learned_parameters")]
    seconds = "–" if pd.isna(line["seconds"]) else f"{line['seconds']:,.0f}"
    return [*shown, f"{int(line['rank'])} ({low}–{high})", *cost, seconds, published]
