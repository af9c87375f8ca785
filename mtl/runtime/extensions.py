"""Extensions, found by the name of their module: learners, backbones, forms of archive, figures.

Each is a file in its room with one required function, and upper-case constants that tell other code about it. To add
one, add a file; there is no list to update.
"""

import ast
import importlib
from functools import cache
from types import ModuleType
from typing import Any, Literal

from mtl.runtime.syntax import PACKAGE, tree_of

EXTENSIONS = Literal["learners", "networks", "data.archives", "reporting.figures"]
# The function that each extension defines.
FUNCTIONS = {"learners": "build", "networks": "build", "data.archives": "read", "reporting.figures": "write"}


@cache
def extensions(room: EXTENSIONS) -> dict[str, dict[str, Any]]:
    """The extensions in a room, by name, with their constants. Nothing is imported, so planning needs no torch.

    Args:
        room: dotted name of a package below `mtl`.
    """
    names = sorted(path.stem for path in PACKAGE.joinpath(*room.split(".")).glob("*.py"))
    trees = {name: tree_of(f"{room}.{name}") for name in names if name != "__init__"}
    return {name: _constants(tree) for name, tree in trees.items() if FUNCTIONS[room] in _functions(tree)}


def load(room: EXTENSIONS, name: str) -> ModuleType:
    """Imports an extension. The check of the config has already refused misspelt names."""
    return importlib.import_module(f"mtl.{room}.{name}")


def _functions(tree: ast.Module) -> set[str]:
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def _constants(tree: ast.Module) -> dict[str, Any]:
    """The upper-case names that are assigned a literal."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name) and target.id.isupper():
            try:
                found[target.id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found
