"""The layers of a config: the project's file, then those of `--configfile`, then `--config`. Later ones win."""

from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path

import yaml

from mtl.experiment.project import Content, extended, read_yaml
from mtl.runtime.errors import UserError
from mtl.specs.checking import checked
from mtl.specs.config import Config, partial

# The content of each layer, by its name in errors.
Layers = dict[str, Content]
PART = partial(Config)


def layers_of(files: Iterable[Path], given: Sequence[str]) -> Layers:
    """Reads the layers of a config.

    Args:
        files: the config files, in order.
        given: what `--config` adds, such as `width=16`.

    Raises:
        UserError: a file cannot be read, or an item of `given` is not `key=value`.
    """
    layers = {str(path): read_yaml(path) for path in files}
    return {**layers, "--config": _from_command_line(given)} if given else layers


def merged(layers: Layers) -> Content:
    """The config that the layers make up."""
    return reduce(extended, layers.values(), {})


def check_layers(layers: Layers, content: Content) -> None:
    """Checks each layer by itself, so that an error names the one that is wrong.

    Args:
        layers: the layers.
        content: the config that the workflow was given. Other keys of a layer are none of its business: a project that
            uses it as a module may have keys of its own.

    Raises:
        UserError: a key is unknown, or a value is of the wrong type or out of bounds.
    """
    for name, layer in layers.items():
        checked(PART, {key: value for key, value in layer.items() if key in content}, name)


def _from_command_line(given: Sequence[str]) -> Content:
    content: Content = {}
    for item in given:
        name, equals, text = item.partition("=")
        if not equals:
            raise UserError(f"--config: {item!r} is not key=value")
        content = extended(content, {name: _value(text)})
    return content


def _value(text: str) -> object:
    """A value as Snakemake understands it; in lists and mappings everything is text."""
    if text in ("", "True", "False"):
        return {"": None, "True": True, "False": False}[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    try:
        return yaml.load(text, yaml.BaseLoader)  # noqa: S506 - makes nothing but text, lists and mappings
    except yaml.YAMLError:
        return text
