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
    "difference": (
        "mean difference in accuracy, percentage points, over the same test episodes ± 1.96 s/√n of the differences."
    ),
    "sooner": (
        "how much earlier the first method's validation accuracy reaches the best of the second (or, if it never does, "
        "how much earlier than the second it reaches its own best, and then the claim is not confirmed): mean over "
        "seeds ± the 95 % interval by Student's t; below three seeds inconclusive."
    ),
    "fewer": "ratio of the numbers of values that meta-training changes.",
}
RULE = (
    "`confirmed` if the effect has the claimed sign and p < 0.05 after Holm's correction over all lines of the claim, "
    "`refuted` if it has the other sign and p < 0.05, else `inconclusive`; a ratio is simply below its bound or not. "
    "`not-run`: a cell is missing. Rows that were computed on different devices or in different precisions are not "
    "tested. These verdicts are about the trained models that there are; how much another seed changes is in `seeds ±`."
)
STALE = "`stale`: a cell was made with other settings than the config asks."
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
        lines += [*markdown_table(["rows", "where", "effect", "p (Holm)", "verdict"], rows), ""]
    if len(untested) > 1:
        lines += gathered(untested, plan["methods"])
    if not tidy.empty:
        lines += _how_to_read(tidy)
    return "\n".join(lines).rstrip("\n") + "\n"


def _how_to_read(tidy: pd.DataFrame) -> list[str]:
    used = set(tidy["test"])
    return [
        "## How to read it",
        "",
        *(f"- *{test}*: {rule}" for test, rule in RULES.items() if test in used),
        f"- {RULE}",
        *([f"- {STALE}"] if (tidy["verdict"] == "stale").any() else []),
    ]


def _shown(line: dict[Any, Any]) -> tuple[str, str]:
    """The effect with its intervals, and p or the reason why there is none."""
    if pd.isna(line["effect"]):
        return "–", "–"
    if line["test"] == "fewer":
        return f"{line['effect']:.3f}", "–"
    digits = 2 if line["test"] == "difference" else 0
    effect = f"{line['effect']:+.{digits}f}"
    if not pd.isna(line["ci95"]):
        effect += f" ± {line['ci95']:.{digits}f}"
    if not pd.isna(line["ci95_seeds"]):
        effect += f" (seeds ± {line['ci95_seeds']:.{digits}f})"
    if line["test"] == "sooner":
        effect += f" {line['unit']}"
    return effect, line["remark"] or ("–" if pd.isna(line["p_holm"]) else f"{line['p_holm']:.2g}")
