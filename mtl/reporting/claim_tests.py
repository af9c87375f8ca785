"""Tests claims of the paper on what was measured: a difference, a lead, or a count."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mtl.evaluation.interval import mean_and_ci95
from mtl.experiment.cell import Cell
from mtl.reporting.evidence import UNITS, Evidence
from mtl.reporting.statistics import few_ci95, holm, p_value
from mtl.runtime.errors import UserError

COLUMNS = [
    "claim",
    "source",
    "test",
    "method",
    "against",
    "dataset",
    "backbone",
    "against_backbone",
    "way",
    "shot",
    "paper_scale",
    "unit",
    "effect",
    "ci95",
    "ci95_seeds",
    "count",
    "seeds",
    "p",
    "p_holm",
    "verdict",
    "remark",
]
VALIDATION = "validation_accuracy"
SIGNIFICANT = 0.05
SEEDS_FOR_SPEED = 3


def claim_verdicts(plan: dict[str, Any], evidence: Evidence) -> pd.DataFrame:
    """One line per claim, pair, dataset, way and number of shots, with the verdict."""
    cells = list(map(Cell.in_folder, plan["cells"]))
    lines = []
    for claim in plan["claims"]:
        own = [line for pair in claim["pairs"] for line in _compared(claim, pair, cells, plan, evidence)]
        decidable = [line for line in own if line["p"] is not None]
        corrected = holm(np.array([line["p"] for line in decidable]))
        for line, p in zip(decidable, corrected, strict=True):
            sign = "confirmed" if line["effect"] > 0 else "refuted"
            unsure = p >= SIGNIFICANT or (sign == "confirmed" and line["remark"])
            line |= {"p_holm": p, "verdict": "inconclusive" if unsure else sign}
        lines += own
    return pd.DataFrame(lines, columns=COLUMNS)


def _compared(
    claim: dict[str, Any], pair: list[str], cells: list[Cell], plan: dict[str, Any], evidence: Evidence
) -> Iterator[dict[str, Any]]:
    """The lines of a pair of methods; cells of several seeds make one line."""
    places: dict[tuple[Any, ...], list[tuple[Cell, Cell]]] = {}
    for cell in cells:
        for other in cells:
            same_tasks = _tasks_of(cell) == _tasks_of(other)
            same_backbone = claim["across_backbones"] or other.backbone == cell.backbone
            if [cell.method, other.method] == pair and same_tasks and same_backbone:
                place = (cell.dataset, cell.backbone, other.backbone, cell.way, cell.shot)
                places.setdefault(place, []).append((cell, other))
    measure = {"difference": _difference, "sooner": _sooner, "fewer": _fewer}[claim["test"]]
    for (dataset, backbone, against_backbone, way, shot), pairs in places.items():
        line = dict.fromkeys(COLUMNS) | {
            "claim": claim["claim"],
            "source": claim["source"],
            "test": claim["test"],
            "method": pair[0],
            "against": pair[1],
            "dataset": dataset,
            "backbone": backbone,
            "against_backbone": against_backbone,
            "way": way,
            "shot": shot,
            "paper_scale": all(plan["cells"][c.folder] for both in pairs for c in both),
        }
        line |= measure(claim, pairs, evidence)
        if line["verdict"] == "not-run" and any(cell.folder in plan["stale"] for pair in pairs for cell in pair):
            line["verdict"] = "stale"
        yield line


def _tasks_of(cell: Cell) -> tuple[str, int, int, int]:
    """What decides which episodes a cell is tested on."""
    return cell.dataset, cell.seed, cell.way, cell.shot


def _difference(_: dict[str, Any], pairs: list[tuple[Cell, Cell]], evidence: Evidence) -> dict[str, Any]:
    line: dict[str, Any] = {"unit": "percentage points"}
    there = _there(pairs, evidence.accuracies)
    if not there:
        return line | {"verdict": "not-run"}
    by_seed = []
    for first, second in there:
        ours, theirs = evidence.accuracies[first], evidence.accuracies[second]
        if len(ours) != len(theirs):
            raise UserError(f"{first.folder} and {second.folder} were tested on different numbers of episodes")
        by_seed.append(ours - theirs)
    differences = np.concatenate(by_seed)
    effect, ci95 = mean_and_ci95(differences)
    mixed = _mixed(there, evidence.evaluated_on)
    return line | {
        "effect": effect,
        "ci95": ci95,
        "ci95_seeds": few_ci95(np.array([seed.mean() for seed in by_seed])),
        "count": len(differences),
        "seeds": len(there),
        "p": None if mixed else p_value(differences),
        "verdict": "inconclusive",
        "remark": mixed,
    }


def _sooner(claim: dict[str, Any], pairs: list[tuple[Cell, Cell]], evidence: Evidence) -> dict[str, Any]:
    line: dict[str, Any] = {"unit": UNITS[claim["unit"]]}
    there = _there(pairs, evidence.histories)
    if not there:
        return line | {"verdict": "not-run"}
    histories = [(evidence.histories[first], evidence.histories[second]) for first, second in there]
    earlier = np.array([_lead(ours, theirs, claim["unit"]) for ours, theirs in histories])
    reached = all(ours[VALIDATION].max() >= theirs[VALIDATION].max() for ours, theirs in histories)
    mixed = _mixed(there, evidence.trained_on)
    return line | {
        "effect": float(earlier.mean()),
        "ci95_seeds": few_ci95(earlier),
        "count": len(earlier),
        "seeds": len(earlier),
        "p": p_value(earlier) if len(earlier) >= SEEDS_FOR_SPEED and not mixed else None,
        "verdict": "inconclusive",
        "remark": mixed or ("" if reached else "never reaches it"),
    }


def _lead(ours: pd.DataFrame, theirs: pd.DataFrame, unit: str) -> float:
    """How much earlier the first history reaches the accuracy that both reach."""
    target = min(ours[VALIDATION].max(), theirs[VALIDATION].max())
    at = [history[history[VALIDATION] >= target].iloc[0][unit] for history in (ours, theirs)]
    return float(at[1] - at[0])


def _there(pairs: list[tuple[Cell, Cell]], measured: Mapping[Cell, Any]) -> list[tuple[Cell, Cell]]:
    """The pairs whose cells were both measured."""
    return [pair for pair in pairs if all(cell in measured for cell in pair)]


def _mixed(pairs: list[tuple[Cell, Cell]], computed_on: Mapping[Cell, tuple[str, str]]) -> str:
    """A remark if the cells of a pair were not computed alike."""
    alike = all(computed_on.get(first) == computed_on.get(second) for first, second in pairs)
    return "" if alike else "devices or precisions differ"


def _fewer(claim: dict[str, Any], pairs: list[tuple[Cell, Cell]], evidence: Evidence) -> dict[str, Any]:
    line: dict[str, Any] = {"unit": f"ratio, bound {claim['ratio']}"}
    there = _there(pairs, evidence.learned)
    if not there:
        return line | {"verdict": "not-run"}
    ratio = max(evidence.learned[first] / evidence.learned[second] for first, second in there)
    return line | {
        "effect": ratio,
        "seeds": len(there),
        "verdict": "confirmed" if ratio < claim["ratio"] else "refuted",
    }
