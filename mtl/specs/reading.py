"""Specs to and from JSON. A spec contains only settings that its job depends on."""

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar

from mtl.runtime.errors import UserError
from mtl.runtime.files import read_json

Spec = TypeVar("Spec")


def spec_of(kind: type[Spec], values: Mapping[str, Any]) -> Spec:
    """A spec from more values than it needs: it takes those that it declares.

    Raises:
        UserError: one is missing or of the wrong type.
    """
    return from_plain(kind, _declared(kind, values), kind.__name__)


def _declared(kind: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for field, inner in _fields(kind):
        if field.name in values:
            section = _without_none(inner)
            value = values[field.name]
            nested = dataclasses.is_dataclass(section) and isinstance(value, Mapping)
            found[field.name] = _declared(section, value) if nested else value
    return found


def _without_none(kind: Any) -> Any:
    """`X` of `X | None`; other types as they are."""
    if typing.get_origin(kind) not in (types.UnionType, typing.Union):
        return kind
    return next(option for option in typing.get_args(kind) if option is not type(None))


def to_plain(spec: Any) -> dict[str, Any]:
    """A spec as plain values, without those that have their default.

    Reading a spec fills in the defaults, so a new key with a default changes no spec.
    """
    found = {}
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if value != default_of(field):
            found[field.name] = to_plain(value) if dataclasses.is_dataclass(value) else value
    return found


def default_of(field: "dataclasses.Field[Any]") -> Any:
    """The default of a key, `MISSING` if it has none."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def defaults_of(kind: Any, prefix: str = "") -> dict[str, Any]:
    """The defaults in a declaration and the sections below it, by dotted key."""
    found: dict[str, Any] = {}
    for field, inner in _fields(kind):
        name, section = f"{prefix}{field.name}", _without_none(inner)
        if dataclasses.is_dataclass(section):
            found |= defaults_of(section, f"{name}.")
        elif (default := default_of(field)) is not dataclasses.MISSING:
            found[name] = default
    return found


def as_json(content: Any) -> str:
    """JSON on one line, in ASCII: it travels on a command line, whose encoding is that of the locale."""
    return json.dumps(content)


def digest_of(plain: Any) -> str:
    """A short digest of plain values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


def flat(plain: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Plain values by their dotted names: `meta_train.iterations`."""
    found: dict[str, Any] = {}
    for name, value in plain.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def from_json(kind: type[Spec], text: str, where: str = "--spec") -> Spec:
    """Reads a spec, or another record; `where` is its name in errors.

    Raises:
        UserError: the text is not JSON, or a key is missing, unknown or of the wrong type.
    """
    return from_plain(kind, read_json(text, where), where)


def from_plain(kind: type[Spec], value: Any, where: str) -> Spec:
    """The same, from plain values.

    Raises:
        UserError: a key is missing, unknown or of the wrong type.
    """
    return typing.cast(Spec, _converted(kind, value, where))


def _converted(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _record(kind, value, where)
    origin = typing.get_origin(kind)
    options = typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _alternative(kind, value, where)
    if origin is typing.Literal:
        if value not in options:
            raise UserError(f"{where}: {value!r} is not one of {', '.join(map(str, options))}")
        return value
    if origin is list and isinstance(value, list):
        return [_converted(options[0], item, f"{where}[{index}]") for index, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: _converted(options[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise UserError(f"{where}: {value!r} is not of type {getattr(kind, '__name__', kind)}")
    return value


def _alternative(kind: Any, value: Any, where: str) -> Any:
    """The first type of a union that fits, besides None; errors are about the last."""
    *others, last = (option for option in typing.get_args(kind) if option is not type(None))
    for option in others:
        with suppress(UserError):
            return _converted(option, value, where)
    return _converted(last, value, where)


def _record(kind: Any, value: Any, where: str) -> Any:
    fields = {field.name: inner for field, inner in _fields(kind)}
    required = {field.name for field, _ in _fields(kind) if default_of(field) is dataclasses.MISSING}
    if not isinstance(value, dict):
        raise UserError(f"{where}: {value!r} is not a mapping with the keys {', '.join(fields)}")
    for key, problem in [(key, "missing") for key in fields if key in required - value.keys()] + [
        (key, f"unknown key; known: {', '.join(fields)}") for key in value if key not in fields
    ]:
        raise UserError(f"{where}.{key}: {problem}")
    return kind(**{key: _converted(fields[key], item, f"{where}.{key}") for key, item in value.items()})


def _fields(kind: Any) -> list[tuple["dataclasses.Field[Any]", Any]]:
    """The keys of a declaration and their types."""
    hints = typing.get_type_hints(kind)
    return [(field, hints[field.name]) for field in dataclasses.fields(kind)]
