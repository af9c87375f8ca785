"""The paper's claims, tested on what was measured."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtl.cell import Cell
from mtl.evaluation.statistics import few_ci95, holm, mean_and_ci95, p_value
from mtl.reporting.cells import heading, markdown_table
from mtl.reporting.evidence import UNITS, Evidence
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_json, write_text

COLUMNS = [
    "claim", "source", "test", "method", "against", "dataset", "backbone", "way", "shot", "unit",
    "effect", "ci95", "ci95_seeds", "count", "seeds", "p", "p_holm", "verdict",
]  # fmt: skip
SIGNIFICANT = 0.05
SEEDS_FOR_SPEED = 3
RULES = {
    "difference": (
        "Mean difference in accuracy, percentage points, over the same test episodes ± 1.96 s/√n of the differences."
    ),
    "sooner": (
        "How much earlier the first method's validation accuracy reaches the best of the second (at the end of its "
        "training, if it never does): mean over seeds ± the 95 % interval by Student's t; below three seeds "
        "inconclusive."
    ),
    "fewer": "Ratio of the numbers of values that meta-training changes.",
}
RULE = (
    "`confirmed` if the effect has the claimed sign and p < 0.05 after Holm's correction over all lines of the claim, "
    "`refuted` if it has the other sign and p < 0.05, else `inconclusive`; a ratio is simply below its bound or not. "
    "`not-run`: a cell is missing. Rows that were computed on different devices or in different precisions are not "
    "compared. These verdicts are about the trained models that there are; how much another seed changes is in "
    "`ci95_seeds`."
)


def write_claims(layout: str, files: Iterable[Path], csv: Path, markdown: Path) -> None:
    """Tests every claim on every dataset and number of shots.

    Args:
        layout: the claims and the cells that decide them, as `Layouts.claims` gives them.
        files: the `episodes.csv`, `evaluation.json`, `history.csv` and `training.json` of these cells.
        csv: one line per claim, pair, dataset and number of shots.
        markdown: one table per claim, with the rule.
    """
    plan = read_json(layout, "--layout")
    tidy = decided(plan, Evidence(files))
    write_text(csv, tidy.to_csv(index=False, lineterminator="\n", float_format="%.4g"))
    write_text(markdown, _markdown(plan, tidy))


def decided(plan: dict[str, Any], evidence: Evidence) -> pd.DataFrame:
    """One line per claim, pair, dataset and number of shots, with the verdict."""
    cells = list(map(Cell.in_folder, plan["cells"]))
    lines = []
    for claim in plan["claims"]:
        own = [line for pair in claim["pairs"] for line in _compared(claim, pair, cells, evidence)]
        decidable = [line for line in own if line["p"] is not None]
        corrected = holm(np.array([line["p"] for line in decidable]))
        for line, p in zip(decidable, corrected, strict=True):
            sign = "confirmed" if line["effect"] > 0 else "refuted"
            line |= {"p_holm": p, "verdict": sign if p < SIGNIFICANT else "inconclusive"}
        lines += own
    return pd.DataFrame(lines, columns=COLUMNS)


def _compared(
    claim: dict[str, Any], pair: list[str], cells: list[Cell], evidence: Evidence
) -> Iterator[dict[str, Any]]:
    """The lines of a pair of methods; cells of several seeds make one line."""
    places: dict[tuple[Any, ...], list[tuple[Cell, Cell]]] = {}
    for cell in cells:
        if cell.method == pair[0] and (other := _counterpart(cell, pair[1], cells)) is not None:
            places.setdefault((cell.dataset, cell.backbone, cell.way, cell.shot), []).append((cell, other))
    for (dataset, backbone, way, shot), pairs in places.items():
        measure = {"difference": _difference, "sooner": _sooner, "fewer": _fewer}[claim["test"]]
        line = dict.fromkeys(COLUMNS) | {
            "claim": claim["claim"], "source": claim["source"], "test": claim["test"], "method": pair[0],
            "against": pair[1], "dataset": dataset, "backbone": backbone, "way": way, "shot": shot,
        }  # fmt: skip
        yield line | measure(claim, pairs, evidence)


def _counterpart(cell: Cell, method: str, cells: list[Cell]) -> Cell | None:
    """The cell to compare with: on the same backbone, or on the only other one that has the method."""
    same = [
        other
        for other in cells
        if (other.method, other.dataset, other.seed, other.way, other.shot)
        == (method, cell.dataset, cell.seed, cell.way, cell.shot)
    ]
    exact = [other for other in same if other.backbone == cell.backbone]
    return (exact or same)[0] if exact or len(same) == 1 else None


def _difference(_: dict[str, Any], pairs: list[tuple[Cell, Cell]], evidence: Evidence) -> dict[str, Any]:
    line: dict[str, Any] = {"unit": "percentage points"}
    there = [pair for pair in pairs if all(cell in evidence.accuracies for cell in pair)]
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
    mixed = any(evidence.computed.get(first) != evidence.computed.get(second) for first, second in there)
    return line | {
        "effect": effect,
        "ci95": ci95,
        "ci95_seeds": few_ci95(np.array([seed.mean() for seed in by_seed])),
        "count": len(differences),
        "seeds": len(there),
        "p": None if mixed else p_value(differences),
        "verdict": "inconclusive",
    }


def _sooner(claim: dict[str, Any], pairs: list[tuple[Cell, Cell]], evidence: Evidence) -> dict[str, Any]:
    line: dict[str, Any] = {"unit": UNITS[claim["unit"]]}
    there = [pair for pair in pairs if all(cell in evidence.histories for cell in pair)]
    if not there:
        return line | {"verdict": "not-run"}
    earlier = np.array(
        [_lead(evidence.histories[first], evidence.histories[second], claim["unit"]) for first, second in there]
    )
    return line | {
        "effect": float(earlier.mean()),
        "ci95_seeds": few_ci95(earlier),
        "count": len(earlier),
        "seeds": len(earlier),
        "p": p_value(earlier) if len(earlier) >= SEEDS_FOR_SPEED else None,
        "verdict": "inconclusive",
    }


def _lead(ours: pd.DataFrame, theirs: pd.DataFrame, unit: str) -> float:
    """How much earlier one history reaches the best validation accuracy of another; the earliest of equals counts."""
    best = theirs["validation_accuracy"].max()
    reached = ours[ours["validation_accuracy"] >= best]
    at = (reached.iloc[0] if len(reached) else ours.iloc[-1])[unit]
    return float(theirs[theirs["validation_accuracy"] == best].iloc[0][unit] - at)


def _fewer(claim: dict[str, Any], pairs: list[tuple[Cell, Cell]], evidence: Evidence) -> dict[str, Any]:
    line: dict[str, Any] = {"unit": f"ratio, bound {claim['ratio']}"}
    there = [pair for pair in pairs if all(cell in evidence.learned for cell in pair)]
    if not there:
        return line | {"verdict": "not-run"}
    ratio = max(evidence.learned[first] / evidence.learned[second] for first, second in there)
    return line | {
        "effect": ratio,
        "seeds": len(there),
        "verdict": "confirmed" if ratio < claim["ratio"] else "refuted",
    }


def _markdown(plan: dict[str, Any], tidy: pd.DataFrame) -> str:
    lines = heading(plan)
    for claim in plan["claims"]:
        own = tidy[tidy["claim"] == claim["claim"]]
        lines += [f"## {claim['claim']}", "", f"({claim['source']}) {RULES[claim['test']]}", ""]
        if own.empty:
            lines += ["The experiment does not have both methods of any pair.", ""]
            continue
        several = len(set(own["backbone"])) > 1
        rows = []
        for line in own.to_dict("records"):
            place = plan["datasets"][line["dataset"]]["title"] + (f", {line['backbone']}" if several else "")
            labels = (plan["labels"][line[name]] for name in ("method", "against"))
            rows.append([" vs. ".join(labels), f"{place} {line['shot']}-shot", *_shown(line), line["verdict"]])
        lines += [*markdown_table(["", "", "effect", "p (Holm)", "verdict"], rows), ""]
    return "\n".join([*lines, RULE]) + "\n"


def _shown(line: dict[str, Any]) -> tuple[str, str]:
    """The effect with its intervals, and p."""
    if pd.isna(line["effect"]):
        return "–", "–"
    if line["test"] == "fewer":
        return f"{line['effect']:.3f}", "–"
    effect = f"{line['effect']:+.2f} ± {line['ci95']:.2f}" if line["test"] == "difference" else f"{line['effect']:+.0f}"
    if not pd.isna(line["ci95_seeds"]):
        effect += f" (seeds ± {line['ci95_seeds']:.{2 if line['test'] == 'difference' else 0}f})"
    return effect, "–" if pd.isna(line["p_holm"]) else f"{line['p_holm']:.2g}"
