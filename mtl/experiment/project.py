"""Finds the files under `config/`: in the project, or, if it does not have them, in the package."""

import os
from pathlib import Path
from typing import Any

import yaml

from mtl.runtime.errors import UserError
from mtl.runtime.syntax import PACKAGE

Content = dict[str, Any]


def packaged(name: str) -> Path:
    """A file shipped with the package: beside it in a clone, inside it if it was installed from a wheel."""
    return next((path for path in (PACKAGE / name, PACKAGE.parent / name) if path.exists()), PACKAGE / name)


class Project:
    """A folder with an experiment."""

    def __init__(self, folder: Path = Path()) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """The project's own file, or else the packaged one, so a project needs only the files that it changes."""
        own = self._folder / name
        return own if own.exists() or not packaged(name).exists() else packaged(name)

    def shown(self, name: str) -> str:
        """The same path for Snakemake, relative to the project if possible."""
        path = self.path(name)
        return os.path.relpath(path, self._folder) if path.is_relative_to(self._folder) else str(path)

    def read(self, name: str) -> Content:
        """The content of one of the YAML files.

        Raises:
            UserError: it is missing or not a mapping.
        """
        return read_yaml(self.path(name))


def read_yaml(path: Path) -> Content:
    """Reads a YAML mapping.

    Raises:
        UserError: the file is missing or not a YAML mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except (ValueError, AttributeError, RecursionError, yaml.YAMLError) as error:  # a date that is none, for instance
        raise UserError(f"{path}: not YAML: {error}".replace('in "<unicode string>", ', "at ")) from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a mapping of keys to values")
    return content


def extended(base: Content, content: Content) -> Content:
    """Extends a config with another: mappings are merged, everything else is replaced."""
    merged = dict(base)
    for name, value in content.items():
        both = isinstance(value, dict) and isinstance(base.get(name), dict)
        merged[name] = extended(base[name], value) if both else value
    return merged
