"""The paper's claims and their verdicts, as data and as a page."""

from pathlib import Path
from typing import Any

import pandas as pd

from mtl.reporting.claim_tests import claim_verdicts
from mtl.reporting.evidence import Evidence
from mtl.reporting.markdown import heading, markdown_table
from mtl.reporting.places import PLACE, named
from mtl.reporting.plans import not_stale, read_plan
from mtl.reporting.untested import gathered, in_its_place
from mtl.runtime.files import write_text

RULES = {
    "difference": "difference in accuracy over the same test episodes, in percentage points.",
    "sooner": (
        "how much sooner the first method's validation accuracy reaches the target. Only validations after equally "
        "much training count. The target is the best of the second method, or, if the claim is about a method's own "
        "best, within a percentage point of that. The lead of a method that never gets as high as the other is not "
        "confirmed."
    ),
    "fewer": "ratio of the numbers of values that meta-training changes. It is the same for every seed.",
}
OVER_SEEDS = (
    "*Over seeds*: mean ± 95 % interval by Student's t over seeds. The seed is the unit, so this says what training "
    "again would give."
)
THESE_MODELS = (
    "*These models*: the same mean ± 1.96 s/√n over test episodes. This is about the models that there are, and says "
    "nothing about other seeds."
)
VERDICTS = {
    "confirmed": (
        "the effect has the claimed sign, and p < 0.05 by Student's t over seeds, after Holm's correction over all "
        "tested lines of the claim. A ratio is simply below its bound."
    ),
    "refuted": "the same with the other sign. A ratio is simply not below its bound.",
    "inconclusive": "tested, and neither.",
    "one-seed": "not tested. These two models differ by so much; how much of that is their seed is unknown.",
    "two-seeds": "not tested. These models differ by so much; two seeds say too little about their spread.",
    "not-trained": "not tested. A model is that of iteration 0, which meta-training has not changed.",
    "before-training": (
        "not tested. A method was at the target before its first task, so it did not get there by meta-training."
    ),
    "not-comparable": "not tested, for the reason in place of p.",
    "stale": "a cell was made with other settings than the config asks.",
    "not-run": "a cell is missing.",
}
OTHER_SCALE = "Not at the paper's scale, or not by its protocol: a verdict says what holds here, not what holds there."


def write_claims(plan_text: str, results: Path, csv: Path, markdown: Path) -> None:
    """Tests every claim on every dataset and for all ways and shots.

    Args:
        plan_text: the claims and the cells that decide them, as `Reports.claims` returns them.
        results: the folder of results.
        csv: one line per claim, pair, dataset, way and number of shots.
        markdown: one table per claim, with the rule. Claims without rows are gathered, so that what is missing is said
            once.
    """
    plan = read_plan(plan_text, results)
    tidy = claim_verdicts(plan, Evidence(results, not_stale(plan)))
    rounded = tidy.assign(
        **{name: tidy[name].map("{:.4f}".format, na_action="ignore") for name in ("effect", "ci95", "ci95_seeds")},
        **{name: tidy[name].map("{:.3g}".format, na_action="ignore") for name in ("p", "p_holm")},
    )
    write_text(csv, rounded.to_csv(index=False, lineterminator="\n"))
    write_text(markdown, _markdown(plan, tidy))


def _markdown(plan: dict[str, Any], tidy: pd.DataFrame) -> str:
    lines = heading(plan)
    if not tidy["paper_scale"].all():
        lines += [OTHER_SCALE, ""]
    places = named(tidy[PLACE].itertuples(index=False, name=None), plan)
    tested = [
        (claim, tidy[(tidy["claim"] == claim["claim"]) & (tidy["test"] == claim["test"])]) for claim in plan["claims"]
    ]
    untested = [claim for claim, own in tested if own.empty]
    for claim, own in tested:
        if own.empty and len(untested) > 1:
            continue
        lines += [f"## {claim['claim']}", "", f"{claim['source']} ({claim['test']})", ""]
        if own.empty:
            lines += [in_its_place(claim, plan["methods"]), ""]
            continue
        rows = []
        for line in own.to_dict("records"):
            same = line["backbone"] == line["against_backbone"]
            ours, theirs = (
                plan["labels"][line[method]] + ("" if same else f" ({line[backbone]})")
                for method, backbone in (("method", "backbone"), ("against", "against_backbone"))
            )
            place = line["dataset"], line["way"], line["shot"]
            rows.append([f"{ours} vs. {theirs}", places[place], *_shown(line), line["verdict"]])
        heads = ["rows", "where", "over seeds", "these models differ by", "p (Holm)", "verdict"]
        lines += [*markdown_table(heads, rows), ""]
    if len(untested) > 1:
        lines += gathered(untested, plan["methods"])
    if not tidy.empty:
        lines += _how_to_read(tidy)
    return "\n".join(lines).rstrip("\n") + "\n"


def _how_to_read(tidy: pd.DataFrame) -> list[str]:
    tests, verdicts = set(tidy["test"]), set(tidy["verdict"])
    return [
        "## How to read it",
        "",
        *(f"- *{test}*: {rule}" for test, rule in RULES.items() if test in tests),
        *([f"- {OVER_SEEDS}", f"- {THESE_MODELS}"] if tests - {"fewer"} else []),
        *(f"- `{name}`: {text}" for name, text in VERDICTS.items() if name in verdicts),
    ]


def _shown(line: dict[Any, Any]) -> tuple[str, str, str]:
    """The effect over seeds, that of these models, and p or the reason why there is none."""
    p = line["remark"] or ("–" if pd.isna(line["p_holm"]) else f"{line['p_holm']:.2g}")
    if pd.isna(line["effect"]):
        return "–", "–", p
    if line["test"] == "fewer":
        return "–", f"{line['effect']:.3f}", p
    digits, unit = (2, "") if line["test"] == "difference" else (0, f" {line['unit']}")
    effect = f"{line['effect']:+.{digits}f}"
    over_seeds, of_models = (
        "–" if pd.isna(interval) else f"{effect} ± {interval:.{digits}f}{unit}"
        for interval in (line["ci95_seeds"], line["ci95"])
    )
    # A lead has no interval over episodes.
    return over_seeds, f"{effect}{unit}" if line["test"] == "sooner" else of_models, p
