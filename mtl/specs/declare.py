"""How a key is declared: its type is the annotation, everything else is an argument of `key`.

Pydantic reads these declarations where a file is checked. Stages read them without it (`mtl.specs.reading`), so nothing
here imports pydantic before pydantic itself asks.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from mtl.runtime.extensions import EXTENSIONS, extensions


class Settings:
    """What all declared groups of keys have in common: no unknown key, no type but the declared one."""

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
    """A key of a config file or of a job's spec.

    A key with a default may be left out, and a spec holds it only where it has another value. So a new option leaves
    every spec as it was, and finished jobs stay finished. A default therefore never changes afterwards: what was made
    without the key was made with that value (`tests/golden/defaults.json` keeps them).

    Args:
        meaning: one line for the reference.
        unit: of a number.
        paper: what the paper or its code does, with its section.
        default: value where the key is left out; without one, it is required.
        default_factory: makes the default where it is a list or a mapping.
        bounds: `ge`, `gt`, `le`, `lt`, `min_length` or `pattern`, as pydantic calls them.
    """
    extra = {name: text for name, text in (("unit", unit), ("paper", paper)) if text}
    metadata = {"description": meaning, "json_schema_extra": extra, **bounds}
    return dataclasses.field(default=default, default_factory=default_factory, metadata=metadata)


class Within:
    """Bounds of a type that stands inside another, as the items of a list: `list[Annotated[int, Within(ge=1)]]`."""

    def __init__(self, **bounds: Any) -> None:
        self._bounds = bounds

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return {**handler(source), **self._bounds}


class Found:
    """Text that names a module of a room: `Annotated[str, Found("networks")]` is the name of a backbone."""

    def __init__(self, room: EXTENSIONS) -> None:
        self._room = room

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return {"type": "literal", "expected": list(extensions(self._room))}


class Distinct:
    """A list that holds no value twice: `Annotated[list[int], Distinct()]`."""

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
