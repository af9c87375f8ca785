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
        "`difference`: in accuracy over the same test episodes; `sooner`: when validation accuracy reaches the target; "
        "`fewer`: how many values meta-training changes, as a ratio."
    )
    target: Literal["other", "own"] = key(
        "`sooner`: `other`: the best of the other method; `own`: within a percentage point of its own best, for each.",
        default="other",
    )
    unit: Literal["iteration", "tasks_seen"] | None = key("`sooner`: a column of `history.csv`.", default=None)
    across_backbones: bool = key("Whether the two methods may use different backbones.", default=False)
    ratio: float | None = key("`fewer`: the ratio must be below this.", gt=0, default=None)
    pairs: list[Annotated[list[str], Within(min_length=2, max_length=2)]] = key(
        "Pairs of keys of `config/methods.yaml`: the method that should be better, then the other.", min_length=1
    )


@dataclass(frozen=True, kw_only=True)
class Claims(Settings):
    """`config/claims.yaml`."""

    claims: list[Claim] = key("The claims, in the order of the page.")
