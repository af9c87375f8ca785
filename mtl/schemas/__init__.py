"""One validator for everything under `config/`: errors are one line that names the file and key and the mend."""

import difflib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from mtl.runtime.errors import UserError

# JSON counts 5.0 as an integer; a number of steps is not written like that.
_CHECKER = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
_Validator = validators.extend(Draft202012Validator, type_checker=_CHECKER)

# What config/README.md calls the types.
_NAMES = {"array": "list", "object": "mapping", "string": "text", "boolean": "true or false"}


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema of `config/<name>.yaml`."""
    text = files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def validate(content: Any, name: str, source: str) -> None:
    """Checks content against the schema of `config/<name>.yaml`; `source` is what an error calls the file.

    Raises:
        UserError: the first thing that is wrong, as one line.
    """
    found = _Validator(schema(name)).iter_errors(content)
    errors = sorted(found, key=lambda error: [str(part) for part in error.absolute_path])
    if errors:
        raise UserError(f"{source}: {_explain(errors[0])}")


def _explain(error: ValidationError) -> str:
    where = dotted(error.absolute_path)
    value: Any = error.instance
    expected: Any = error.validator_value
    kind = error.validator
    if kind == "additionalProperties" and isinstance(error.schema, dict):
        known = list(error.schema.get("properties", {}))
        unknown = next(key for key in value if key not in known)
        return f"{dotted([*error.absolute_path, unknown])}: unknown key{suggestion(unknown, known)}"
    if kind == "required":
        missing = next(key for key in expected if key not in value)
        return f"{dotted([*error.absolute_path, missing])}: missing"
    if kind == "type" and isinstance(value, str) and expected in ("number", "integer") and _is_number(value):
        number = float(value)
        if expected == "integer" and number.is_integer():
            return (
                f"{where}: {value!r} is text, not a number; write {int(number)} without quotes (on the command line, "
                "--config takes lists and mappings as text: put them into a file)"
            )
        return f"{where}: {value!r} is text, not a number; write {number!r} (YAML needs a point: 1.0e-3)"
    if kind == "type" and expected == "integer" and isinstance(value, float):
        return f"{where}: {value!r} is not a whole number; write it without point and exponent"
    if kind == "type":
        return f"{where}: {value!r} is not of type {_NAMES.get(expected, expected)}"
    if kind == "oneOf":
        options = [option.get("const", _NAMES.get(option.get("type"), option.get("type"))) for option in expected]
        return f"{where}: {value!r} is neither {' nor '.join(map(str, options))}"
    if kind == "enum":
        return f"{where}: {value!r} is not one of {', '.join(map(str, expected))}{suggestion(value, expected)}"
    return f"{where}: {error.message}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def dotted(path: Sequence[Any]) -> str:
    """A path into a config as people write it: overrides[0].when.shot."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "the file"


def suggestion(word: Any, known: Sequence[Any]) -> str:
    """`; did you mean ...?` where something is close, else the list of what is known."""
    close = difflib.get_close_matches(str(word), [str(option) for option in known], n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(map(str, known))}"
