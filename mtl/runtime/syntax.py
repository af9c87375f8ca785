"""Parses the package's own source code, module by module, without importing it."""

import ast
from functools import cache
from pathlib import Path

from mtl.runtime.errors import UserError

PACKAGE = Path(__file__).parents[1]


@cache
def path_of(module: str) -> Path | None:
    """The file of a module, given by its dotted name below `mtl`; None if there is no such module."""
    base = PACKAGE.joinpath(*module.split(".")) if module else PACKAGE
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def tree_of(module: str) -> ast.Module:
    """The syntax tree of a module.

    Raises:
        ValueError: there is no such module.
        UserError: it is not Python.
    """
    path = path_of(module)
    if path is None:
        raise ValueError(f"mtl.{module}: there is no such module")
    try:
        return ast.parse(path.read_text(encoding="utf-8"), str(path))
    except (SyntaxError, ValueError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        raise UserError(f"{path}: {line}not Python: {getattr(error, 'msg', error)}") from None
