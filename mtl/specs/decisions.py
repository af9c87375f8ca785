"""`config/decisions.yaml`: what could have been decided otherwise, one decision at a time."""

from dataclasses import dataclass
from typing import Annotated

from mtl.specs.config import CellSettings, Shots, partial
from mtl.specs.declare import Settings, Within, key
from mtl.specs.methods import Method


@dataclass(frozen=True, kw_only=True)
class ChangedMethod(partial(Method)):  # type: ignore[misc]
    """Some keys of a row of `config/methods.yaml`."""


@dataclass(frozen=True, kw_only=True)
class ChangedSettings(partial(CellSettings)):  # type: ignore[misc]
    """Some settings of a cell."""


@dataclass(frozen=True, kw_only=True)
class Decision(Settings):
    """One thing that is done otherwise."""

    label: str = key("What is done, in words.")
    base: str | None = key("The method that it changes; if left out, that of the file.", default=None)
    method: ChangedMethod | None = key("Keys of the method's row, as in `config/methods.yaml`.", default=None)
    settings: ChangedSettings | None = key(
        "Settings of its cells, as in `overrides` of `config/config.yaml`, over which they win. Not `width` and "
        "`pretrain`: Θ stays the same.",
        default=None,
    )


# A name is a part of the name of a method.
Decided = dict[Annotated[str, Within(pattern="^[a-z0-9][a-z0-9-]*\\Z", regex_engine="python-re")], Decision]


@dataclass(frozen=True, kw_only=True)
class Decisions(Settings):
    """`config/decisions.yaml`."""

    base: str = key("The method that decisions change, a key of `config/methods.yaml`.")
    shots: Shots | None = key(
        "The shots of the experiment at which they are measured; if left out, all.", default=None, min_length=1
    )
    decisions: Decided = key(
        "The decisions, in the order of the table. The cells of one lie in the folder `<base>-<name>`."
    )
