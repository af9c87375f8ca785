"""Checks the files under `config/` against their declarations. An error is one line: file, key, what would be right.

Pydantic does the checks; this module finds the key and words the line.
"""

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from mtl.runtime.errors import UserError

Kind = TypeVar("Kind")
Place = tuple[str | int, ...]
# Names of types in plain English.
NAMES = {"int": "a whole number", "float": "a number", "string": "text", "bool": "true or false"}
NAMES |= {"list": "a list", "dict": "a mapping", "dataclass": "a mapping"}


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Pydantic's view of a declaration."""
    return TypeAdapter(kind)


def checked(kind: type[Kind], content: Any, source: str) -> Kind:
    """Converts content to typed values.

    Args:
        kind: its declaration; `dict[str, Kind]` for a file of named entries.
        content: the parsed YAML.
        source: the file's name in errors.

    Raises:
        UserError: something is wrong; the line is about the first error.
    """
    try:
        _refuse_others(content, source, ())
        text = to_json(content, inf_nan_mode="constants", fallback=str)
        return typing.cast(Kind, adapter(typing.cast(Any, kind)).validate_json(text))
    except ValidationError as error:
        details = error.errors(include_url=False)
    except RecursionError:
        raise UserError(f"{source}: is nested too deeply, or holds itself") from None
    except ValueError:  # such as text that is not Unicode
        raise UserError(f"{source}: cannot be read as numbers, text, lists and mappings") from None
    by_place: dict[Place, list[Any]] = {}
    for detail in details:
        by_place.setdefault(_place(content, detail), []).append(detail)
    # Of a place and one inside it the inner one says more.
    inner = [place for place in by_place if not any(place == other[: len(place)] != other for other in by_place)]
    place = min(inner, key=lambda place: [str(part) for part in place])
    raise UserError(f"{source}: {_explained(kind, content, place, by_place[place])}")


def _refuse_others(content: Any, source: str, place: Place) -> None:
    """YAML also has dates, sets and other keys than text."""
    if content is not None and type(content) not in (bool, int, float, str, list, dict):
        kind = type(content).__name__
        raise UserError(f"{source}: {dotted(place)}: {content!r} is a {kind}; if it is text, write it in quotes")
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, value in items:
        if isinstance(content, dict) and not isinstance(name, str):
            raise UserError(f"{source}: {dotted((*place, str(name)))}: the key is not text; write it in quotes")
        _refuse_others(value, source, (*place, name))


def _place(content: Any, detail: Any) -> Place:
    """Where an error is. Pydantic's own path also names the alternatives of a type, and keys that are missing."""
    place: list[str | int] = []
    for part in detail["loc"]:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            if detail["type"] == "missing" or (isinstance(content, dict) and part == "[key]"):
                place.append(part)
            continue
        place.append(part)
    return tuple(part for part in place if part != "[key]")


def _value_at(content: Any, place: Place) -> Any:
    for part in place:
        content = content[part]
    return content


def _explained(kind: Any, content: Any, place: Place, details: Sequence[Any]) -> str:
    where = dotted(place)
    problem = details[0]["type"]
    if problem == "missing":
        return f"{where}: missing"
    if problem == "unexpected_keyword_argument":
        return f"{where}: unknown key{suggestion(str(place[-1]), _keys_at(kind, place[:-1]))}"
    value = _value_at(content, place)
    if problem == "string_pattern_mismatch" and details[0]["input"] != value:
        return f"{where}: {details[0]['input']!r} does not match {details[0]['ctx']['pattern']}"
    if isinstance(value, str) and problem in ("int_type", "float_type") and _is_number(value):
        return f"{where}: {value!r} is text, not a number; {_number(value, problem)}"
    if problem == "int_type" and isinstance(value, float):
        return f"{where}: {value!r} is not a whole number; write it without point and exponent"
    reasons = list(dict.fromkeys(map(_reason, details)))
    bounds = [reason for reason in reasons if reason.startswith("must be")]
    if bounds:
        reasons = bounds
    elif len(reasons) > 1:
        reasons = [f"is neither {' nor '.join(reason.removeprefix('is not ') for reason in reasons)}"]
    return f"{where}: {value!r} {reasons[0]}{_close(details[0], value)}"


def _reason(detail: Any) -> str:
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "literal_error":
        options = _options(detail)
        return f"is not {options[0]}" if len(options) == 1 else f"is not one of {', '.join(options)}"
    if kind == "string_pattern_mismatch":
        return f"does not match {context['pattern']}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "too_short":
        return f"has fewer than {context['min_length']} items"
    if kind == "too_long":
        return f"has more than {context['max_length']} items"
    if kind.endswith("_type") and (name := NAMES.get(kind.removesuffix("_type"))):
        return f"is not {name}"
    return str(detail["msg"]).replace("Input should be", "must be")


def _options(detail: Any) -> list[str]:
    return [word.strip("'") for word in detail["ctx"]["expected"].replace(" or ", ", ").split(", ")]


def _close(detail: Any, value: Any) -> str:
    if detail["type"] != "literal_error":
        return ""
    close = difflib.get_close_matches(str(value), _options(detail), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _number(value: str, problem: str) -> str:
    number = float(value)
    if problem == "int_type" and number.is_integer():
        return (
            f"write {int(number)} without quotes (on the command line, --config takes lists and mappings as text: put "
            "them into a file)"
        )
    return f"write {number!r} (YAML needs a point: 1.0e-3)"


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < float("inf")
    except (ValueError, OverflowError):
        return False


def _keys_at(kind: Any, place: Place) -> list[str]:
    """The keys declared at a place."""
    for part in place:
        kind = _inner(kind, part)
    kind = next((option for option in typing.get_args(kind) if dataclasses.is_dataclass(option)), kind)
    return [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []


def _inner(kind: Any, part: str | int) -> Any:
    """The type of an item or key inside a type."""
    if typing.get_origin(kind) is types.UnionType:
        kind = next(option for option in typing.get_args(kind) if option is not type(None))
    if dataclasses.is_dataclass(kind):
        return typing.get_type_hints(kind).get(str(part), Any)
    return typing.get_args(kind)[-1] if typing.get_args(kind) else Any


def dotted(place: Sequence[Any]) -> str:
    """A place in a config as people write it: `overrides[0].when.shot`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".") or "the file"


def suggestion(word: Any, known: Sequence[Any] | Mapping[Any, Any]) -> str:
    """`; did you mean ...?` if a known word is close, otherwise the list of known words."""
    close = difflib.get_close_matches(str(word), [str(option) for option in known], n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(map(str, known))}"
