"""`config/claims.yaml`: what the paper claims, and how each claim is tested."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mtl.specs.declare import Settings, Within, key


@dataclass(frozen=True, kw_only=True)
class Claim(Settings):
    """A claim of the paper."""

    claim: str = key("The claim, in words.")
    source: str = key("Where the paper makes it.")
    test: Literal["difference", "sooner", "fewer"] = key(
        "`difference`: in accuracy over the same test episodes; `sooner`: when validation accuracy reaches the best of "
        "the other method; `fewer`: values that meta-training changes, as a ratio."
    )
    unit: Literal["iteration", "tasks_seen"] | None = key("`sooner`: a column of `history.csv`.", default=None)
    across_backbones: bool = key("Whether the two may stand on different backbones.", default=False)
    ratio: float | None = key("`fewer`: what the ratio must stay below.", gt=0, default=None)
    pairs: list[Annotated[list[str], Within(min_length=2, max_length=2)]] = key(
        "Two keys of `config/methods.yaml` each: the one that should be better, and the other.", min_length=1
    )


@dataclass(frozen=True, kw_only=True)
class Claims(Settings):
    """`config/claims.yaml`."""

    claims: list[Claim] = key("In the order of the page.")
