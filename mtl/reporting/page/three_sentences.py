"""The answer in three sentences: what was measured, what the claims come to, what the paper's numbers say to it.

They count verdicts that the reports have given, and judge nothing themselves.
"""

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from mtl.reporting.page.claims_view import TESTED, overall

MISSING = {
    "stale": "made with other settings than the config asks",
    "failed": "failed",
    "not-run": "not run",
}


def measured_sentence(
    states: Iterable[str], titles: Iterable[str], seeds: Iterable[int], episodes: Iterable[int]
) -> str:
    """What was measured.

    Args:
        states: of each cell, `measured` or one of `MISSING`.
        titles: of the datasets.
        seeds: how many each number has.
        episodes: how many test episodes the measured cells have.
    """
    counts = Counter(states)
    total, there = counts.total(), counts["measured"]
    where = listed(titles)
    if not there:
        return f"Of {_many(total, 'cell')} on {where}, none is measured yet{_missing(counts)}."
    on = " or ".join(f"{count:,}" for count in sorted(set(episodes)))
    which = "Both cells" if there == total == 2 else f"{'All ' if total > 1 else ''}{_many(total, 'cell')}"
    which = which if there == total else f"{there} of {_many(total, 'cell')}"
    verb = "is" if there == 1 else "are"
    several = sorted(set(seeds))
    trained = " or ".join("one" if count == 1 else str(count) for count in several)
    trained += f" training seed{'s' * (several[-1] > 1)}"
    return f"{which} on {where} {verb} measured, with {trained} and {on} test episodes per cell{_missing(counts)}."


def claims_sentence(tidy: pd.DataFrame) -> str:
    """What the claims come to, from the lines of `claim_verdicts`."""
    if tidy.empty:
        return "The experiment has no pair of methods that a claim of the paper is about."
    trained = tidy[tidy["test"] != "fewer"]
    counts = Counter(trained["verdict"])
    if any(counts[verdict] for verdict in TESTED):
        # A claim counts where at least one of its comparisons is tested.
        by_claim = [lines["verdict"] for _, lines in tidy.groupby(["claim", "test"], sort=False)]
        claims = Counter(overall(own[own.isin(TESTED)]) for own in by_claim if own.isin(TESTED).any())
        confirmed, refuted = claims["confirmed"], claims["refuted"]
        rest = claims.total() - confirmed - refuted
        untested = len(trained) - sum(counts[verdict] for verdict in TESTED)
        where = "at least one" if refuted else "any"
        return (
            f"Of the {_many(claims.total(), 'claim')} that can be tested here, {_are(confirmed)} confirmed in every "
            f"tested comparison, {_are(refuted)} refuted in {where}, and {rest} stay{'s' * (rest == 1)} open"
            + (f"; {_many(untested, 'further comparison')} cannot be tested." if untested else ".")
        )
    comparisons = f"the {_many(len(trained), 'comparison')} behind the claims"
    if counts["not-run"] + counts["stale"] == len(trained):
        return f"Nothing can be concluded: of {comparisons}, none has both of its cells."
    untrained = counts["not-trained"]
    if untrained == len(trained):
        return (
            f"Nothing can be concluded about meta-training: in all of {comparisons}, a model is that of iteration 0, "
            "which meta-training has not changed."
        )
    also = (
        f"; in {untrained} of them, a model is that of iteration 0, which meta-training has not changed"
        if untrained
        else ""
    )
    counted = "; only numbers of learned values have a verdict" if len(trained) < len(tidy) else ""
    few = "One seed is" if counts["one-seed"] else "Two seeds are" if counts["two-seeds"] else "This is"
    if len(trained) == 1:
        told = "the only comparison behind the claims is not tested, so it says how these two models differ"
    else:
        told = f"none of {comparisons} is tested, so they say how these models differ"
    return f"{few} no conclusion: {told}, not what training again would give{also}{counted}."


def paper_sentence(tables: Iterable[pd.DataFrame], titles: Iterable[str]) -> str:
    """How measured numbers compare with printed ones, from the lines of the tables."""
    lines = pd.concat(tables, ignore_index=True)
    both = lines[lines["published"].notna() & lines["accuracy"].notna()]
    if both.empty:
        if lines["published"].notna().any():
            return "None of the paper's numbers is measured here."
        return f"The paper prints no number for {listed(titles)}, so none is compared with it."
    judged = Counter(both.loc[both["verdict"].isin(["agrees", "higher", "lower"]), "verdict"])
    others = len(both) - judged.total()
    if not judged:
        if (both["verdict"] == "no-reference").all():
            return f"The paper prints {_many(len(both), 'number')} of these without an interval, so none is judged."
        return (
            f"None of the {_many(len(both), 'number')} that the paper also prints is judged against it, because they "
            "were made at another scale or by another protocol than the paper's."
        )
    found = f"{judged['agrees']} agree, {_are(judged['higher'])} higher and {_are(judged['lower'])} lower"
    return f"Of the {_many(judged.total(), 'number')} that can be judged against the paper's, {found}" + (
        f"; {_many(others, 'further number')} cannot be judged." if others else "."
    )


def listed(titles: Iterable[str]) -> str:
    """Names in a sentence: `a, b and c`."""
    *others, last = titles
    return f"{', '.join(others)} and {last}" if others else last


def _missing(counts: Counter[str]) -> str:
    found = [f"{counts[state]} {words}" for state, words in MISSING.items() if counts[state]]
    return f" ({', '.join(found)})" if found else ""


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return f"{count} are" if count > 1 else f"{'one' if count else 'none'} is"
