"""How the page words verdicts, and how it groups them by colour."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

# In the order of the strip, each with its colour: good, bad, open, or none for what is not tested or not there.
COLOURS = {
    "confirmed": "good",
    "agrees": "good",
    "refuted": "bad",
    "lower": "bad",
    "higher": "up",
    "mixed": "open",
    "inconclusive": "open",
    "one-seed": "none",
    "two-seeds": "none",
    "not-trained": "none",
    "before-training": "none",
    "not-comparable": "none",
    "not-judged": "none",
    "no-reference": "none",
    "quoted": "none",
    "stale": "gone",
    "not-run": "gone",
    "failed": "bad",
}
WORDS = {
    "one-seed": "one seed, not tested",
    "two-seeds": "two seeds, not tested",
    "not-trained": "not trained",
    "before-training": "before training",
    "not-comparable": "not comparable",
    "not-judged": "not judged",
    "no-reference": "nothing printed",
    "not-run": "not run",
}


class Said(NamedTuple):
    """A verdict in words, and its colour."""

    text: str
    colour: str


class Part(NamedTuple):
    """A part of a strip: a verdict, how many times it was given, and its share in percent."""

    verdict: str
    times: int
    share: float


def words(verdict: str) -> Said:
    """How the page words a verdict."""
    return Said(WORDS.get(verdict, verdict), COLOURS.get(verdict, "none"))


def verdict_strip(verdicts: Iterable[str]) -> list[Part]:
    """How often each verdict was given, in the order of `COLOURS`."""
    counts = Counter(verdicts)
    return [Part(name, counts[name], round(100 * counts[name] / counts.total(), 2)) for name in COLOURS if counts[name]]
