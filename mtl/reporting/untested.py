"""What the page of claims says about those for which the experiment has no rows to compare."""

from collections.abc import Collection
from typing import Any


def in_its_place(claim: dict[str, Any], methods: Collection[str]) -> str:
    """The sentence under the heading of a claim, if it is the only one."""
    return (
        f"The experiment does not have both methods of any pair{'' if _missing(claim, methods) else _together(claim)}."
    )


def gathered(claims: list[dict[str, Any]], methods: Collection[str]) -> list[str]:
    """One section for several claims: what each would take."""
    return [
        "## Claims that are not tested",
        "",
        "The experiment lacks rows that these claims compare. The fewest methods that each still needs:",
        "",
        *(f"- {claim['claim']}: {_needed(claim, methods)}" for claim in claims),
        "",
    ]


def _needed(claim: dict[str, Any], methods: Collection[str]) -> str:
    missing = _missing(claim, methods)
    return _listed(missing) if missing else f"{_listed(claim['pairs'][0])}{_together(claim)}"


def _missing(claim: dict[str, Any], methods: Collection[str]) -> list[str]:
    """The methods that the most complete pair of a claim lacks."""
    return min(([name for name in pair if name not in methods] for pair in claim["pairs"]), key=len)


def _together(claim: dict[str, Any]) -> str:
    """Methods that are there were run on other tasks or networks."""
    place = "dataset" if claim["across_backbones"] else "dataset and backbone"
    return f" on the same {place}, with the same ways and shots"


def _listed(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
