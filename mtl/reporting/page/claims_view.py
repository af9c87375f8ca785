"""The claims as a forest plot: each comparison with its effect, its intervals and its verdict."""

from collections import Counter
from dataclasses import dataclass
from math import isnan
from typing import Any

import pandas as pd

from mtl.reporting.page.axes import Axis, axis_over
from mtl.reporting.places import PLACE, named

# The value of an effect that says nothing.
NEUTRAL = {"difference": 0.0, "sooner": 0.0}
TESTED = ("confirmed", "refuted", "inconclusive")
# What the axis of a test spans at least: percentage points; meta-batches or tasks.
LEAST = {"difference": 1.0, "sooner": 10.0}


@dataclass(frozen=True)
class ComparisonView:
    """One line of the forest; places are in percent of its axis, None where there is nothing to draw."""

    pair: str
    where: str
    effect: str
    of_models: str
    over_seeds: str
    p: str
    verdict: str
    remark: str
    at: float | None
    models: tuple[float, float] | None
    seeds: tuple[float, float] | None


@dataclass(frozen=True)
class ClaimView:
    """A claim and its comparisons, which share the axis of its kind of test and unit."""

    claim: str
    source: str
    verdict: str
    lines: list[ComparisonView]
    neutral: float | None
    ticks: list[tuple[float, str]]
    unit: str


def claim_views(claims: list[dict[str, Any]], tidy: pd.DataFrame, plan: dict[str, Any]) -> list[ClaimView]:
    """The claims that the experiment has pairs for, in their order.

    Args:
        claims: the claims, as `Reports.claims` lists them.
        tidy: their lines, as `claim_verdicts` returns them.
        plan: titles of datasets, labels of methods and of backbones.
    """
    places = named(tidy[PLACE].itertuples(index=False, name=None), plan)
    axes = {key: _axis(str(key[0]), lines) for key, lines in tidy.groupby(["test", "unit"], sort=False)}
    views = []
    for claim in claims:
        own = tidy[(tidy["claim"] == claim["claim"]) & (tidy["test"] == claim["test"])]
        if own.empty:
            continue
        axis = axes[claim["test"], own["unit"].iloc[0]]
        neutral = NEUTRAL.get(claim["test"], claim["ratio"])
        lines = [_comparison(line, plan, places, axis) for line in own.to_dict("records")]
        ticks = [(axis.at(tick), f"{tick:g}".replace("-", "−")) for tick in axis.ticks()]
        at = None if neutral is None else axis.at(neutral)
        views.append(
            ClaimView(
                claim["claim"], claim["source"], overall(own["verdict"]), lines, at, ticks, str(own["unit"].iloc[0])
            )
        )
    return views


def overall(verdicts: "pd.Series[str]") -> str:
    """What the verdicts of a claim's comparisons come to.

    `refuted` if one does, else what all say, else `mixed`. If none is tested, the reason that most of those
    have that were run.
    """
    counts = Counter(verdicts)
    if "refuted" in counts:
        return "refuted"
    if len(counts) > 1 and not counts.keys().isdisjoint(TESTED):
        return "mixed"
    run = Counter({verdict: count for verdict, count in counts.items() if verdict != "not-run"})
    return str((run or counts).most_common(1)[0][0])


def _axis(test: str, lines: pd.DataFrame) -> Axis:
    # The interval of two seeds would dwarf all others.
    seeds = lines["ci95_seeds"].astype(float).where(lines["p_holm"].astype(float).notna())
    widest = pd.concat([lines["ci95"].astype(float), seeds], axis=1).max(axis=1).fillna(0)
    effects = lines["effect"].astype(float)
    if test == "fewer":
        return Axis(0.0, max(1.0, float(effects.max(skipna=True)) if effects.notna().any() else 1.0))
    return axis_over([0.0, *(effects - widest), *(effects + widest)], LEAST[test])


def _comparison(line: dict[Any, Any], plan: dict[str, Any], places: dict[Any, str], axis: Axis) -> ComparisonView:
    same = line["backbone"] == line["against_backbone"]
    ours, theirs = (
        plan["labels"][line[method]] + ("" if same else f" ({plan['backbones'][line[backbone]]})")
        for method, backbone in (("method", "backbone"), ("against", "against_backbone"))
    )
    effect, ci95, ci95_seeds, p = (_float(line[name]) for name in ("effect", "ci95", "ci95_seeds", "p_holm"))
    digits, sign = {"difference": (2, "+"), "sooner": (0, "+")}.get(line["test"], (3, ""))
    return ComparisonView(
        pair=f"{ours} vs. {theirs}",
        where=places[line["dataset"], line["way"], line["shot"]],
        # + 0.0, since a small negative effect is rounded to minus zero.
        effect="–" if isnan(effect) else f"{round(effect, digits) + 0.0:{sign}.{digits}f}".replace("-", "−"),
        of_models="" if isnan(ci95) else f"± {ci95:.{digits}f}",
        over_seeds="" if isnan(ci95_seeds) else f"± {ci95_seeds:.{digits}f}",
        p="" if isnan(p) else f"{p:.2g}",
        verdict=line["verdict"],
        remark=line["remark"] or "",
        at=None if isnan(effect) else axis.at(effect),
        models=_span(axis, effect, ci95),
        seeds=None if isnan(p) else _span(axis, effect, ci95_seeds),
    )


def _span(axis: Axis, effect: float, interval: float) -> tuple[float, float] | None:
    return None if isnan(effect) or isnan(interval) else (axis.at(effect - interval), axis.at(effect + interval))


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)
