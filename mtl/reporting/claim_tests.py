"""Tests claims of the paper on what was measured: a difference, a lead, or a count.

The unit of a difference and of a lead is the seed, because a claim is about training, not about the models that happen
to be there (docs/statistics.md).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mtl.evaluation.interval import mean_and_ci95
from mtl.experiment.cell import Cell
from mtl.reporting.evidence import UNITS, Evidence
from mtl.reporting.leads import lead
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
SIGNIFICANT = 0.05
# Below three seeds nothing is tested: one has no spread, and two have one that is as uncertain as can be.
TOO_FEW_SEEDS = {1: "one-seed", 2: "two-seeds"}


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
            "remark": "",
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
    # By seed, so that the interval over episodes has no part of the spread between models.
    means, intervals = np.array([mean_and_ci95(differences) for differences in by_seed]).T
    line |= {"ci95": float(np.linalg.norm(intervals)) / len(there), "count": sum(map(len, by_seed))}
    line |= _over_seeds(means, there, evidence)
    # One such seed is enough: leaving it out would keep just those in which meta-training helped.
    if any(evidence.selected_iteration.get(cell) == 0 for pair in there for cell in pair):
        line |= {"p": None, "verdict": "not-trained", "remark": ""}
    return line


def _sooner(claim: dict[str, Any], pairs: list[tuple[Cell, Cell]], evidence: Evidence) -> dict[str, Any]:
    line: dict[str, Any] = {"unit": UNITS[claim["unit"]]}
    there = _there(pairs, evidence.histories)
    if not there:
        return line | {"verdict": "not-run"}
    histories = [(evidence.histories[first], evidence.histories[second]) for first, second in there]
    leads = [lead(ours, theirs, claim["unit"], claim["target"]) for ours, theirs in histories]
    line |= {"seeds": len(there), "count": len(there)}
    if not all(one.compared for one in leads):
        return line | {"verdict": "not-comparable", "remark": "never validated after equally much training"}
    if any(one.before_training for one in leads):
        return line | {"verdict": "before-training"}
    line |= _over_seeds(np.array([one.by for one in leads]), there, evidence)
    return line | {"remark": line["remark"] or ("" if all(one.reached for one in leads) else "never reaches it")}


def _over_seeds(by_seed: np.ndarray, pairs: list[tuple[Cell, Cell]], evidence: Evidence) -> dict[str, Any]:
    """What one value per seed says: their mean and its interval, and p if they may be tested."""
    mixed = _mixed(pairs, evidence)
    untested = "not-comparable" if mixed else TOO_FEW_SEEDS.get(len(by_seed))
    return {
        "effect": float(by_seed.mean()),
        "ci95_seeds": few_ci95(by_seed),
        "seeds": len(by_seed),
        "p": None if untested else p_value(by_seed),
        "verdict": untested or "inconclusive",
        "remark": mixed,
    }


def _there(pairs: list[tuple[Cell, Cell]], measured: Mapping[Cell, Any]) -> list[tuple[Cell, Cell]]:
    """The pairs whose cells were both measured."""
    return [pair for pair in pairs if all(cell in measured for cell in pair)]


def _mixed(pairs: list[tuple[Cell, Cell]], evidence: Evidence) -> str:
    """A remark if a stage of the two cells of a pair was computed differently; a stage that one lacks does not count.

    Seeds may differ from each other: that only adds to their spread, in both methods.
    """
    for first, second in pairs:
        ours, theirs = evidence.computed_on[first], evidence.computed_on[second]
        for stage in ours:
            if ours[stage] != theirs.get(stage, ours[stage]):
                return f"{stage}: devices or precisions differ"
    return ""


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
