"""The stored episodes that all methods share."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mtl.specs.declare import Settings, Within, key


@dataclass(frozen=True, kw_only=True)
class Episodes(Settings):
    """The section `episodes` of a config."""

    query: Annotated[int, Within(ge=1)] | Literal["shot"] = key(
        "Query images per class, or `shot`: as many as support images.",
        paper="15 (section 5.1); the authors' code: `shot`",
    )
    validation: int = key("Validation episodes; they select models and inner steps.", paper="600", ge=2)
    test: int = key("Test episodes; they give the reported numbers.", paper="600", ge=2)


@dataclass(frozen=True, kw_only=True)
class Stored(Settings):
    """The stored episodes that a stage expects: how many, with how many query images per class."""

    count: int
    query: int


@dataclass(frozen=True, kw_only=True)
class EpisodesSpec(Settings):
    """The spec of `mtl episodes`."""

    split: str
    way: int
    shot: int
    query: int
    count: int
    seed: int
