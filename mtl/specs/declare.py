"""How keys are declared: the annotation is the type, everything else is an argument of `key`.

Pydantic reads these declarations when a file is checked. Stages read them without it (`mtl.specs.reading`), so nothing
here imports pydantic.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from mtl.runtime.extensions import EXTENSIONS, extensions, name_of


class Settings:
    """Base of all declared groups of keys: refuses unknown keys and any type but the declared one."""

    __pydantic_config__ = {"extra": "forbid", "strict": True, "allow_inf_nan": False}  # noqa: RUF012


def key(
    meaning: str,
    *,
    unit: str = "",
    paper: str = "",
    default: Any = dataclasses.MISSING,
    default_factory: Any = dataclasses.MISSING,
    **bounds: Any,
) -> Any:
    """Declares a key of a config file or of a job's spec.

    A key with a default may be left out, and a spec contains it only if it has another value. So a new option changes
    no existing spec, and finished jobs stay finished. A default must therefore never change: results made without the
    key were made with that value (`tests/golden/defaults.json` records them).

    Args:
        meaning: one line for the reference.
        unit: unit of a number.
        paper: what the paper or its code does, with its section.
        default: value if the key is left out; without a default, the key is required.
        default_factory: makes a default that is a list or a mapping.
        bounds: `ge`, `gt`, `le`, `lt`, `min_length` or `pattern`, as pydantic calls them.
    """
    extra = {name: text for name, text in (("unit", unit), ("paper", paper)) if text}
    metadata = {"description": meaning, "json_schema_extra": extra, **bounds}
    return dataclasses.field(default=default, default_factory=default_factory, metadata=metadata)


class Within:
    """Bounds of a type nested in another, such as the items of a list: `list[Annotated[int, Within(ge=1)]]`."""

    def __init__(self, **bounds: Any) -> None:
        self._bounds = bounds

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return {**handler(source), **self._bounds}


class Found:
    """Text that names a module of a room: `Annotated[str, Found("networks")]` is the name of a backbone.

    With `hyphens`, the name has hyphens for the underscores of the module.
    """

    def __init__(self, room: EXTENSIONS, hyphens: bool = False) -> None:
        self._room = room
        self._hyphens = hyphens

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return {"type": "literal", "expected": self._names()}

    def _names(self) -> list[str]:
        return [name_of(module) if self._hyphens else module for module in extensions(self._room)]


class Distinct:
    """A list without duplicates: `Annotated[list[int], Distinct()]`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return {
            "type": "function-after",
            "function": {"type": "no-info", "function": _distinct},
            "schema": handler(source),
        }


def _distinct(values: list[Any]) -> list[Any]:
    if twice := [value for index, value in enumerate(values) if value in values[:index]]:
        raise ValueError(f"holds {twice[0]!r} twice")
    return values
