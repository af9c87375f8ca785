"""What is found by the name of its module: a learner, a backbone, an optimiser, a form of archive, a figure.

Each is a file in its room that has a certain function, and constants in capitals that say of it what others must know.
Adding one is adding a file; no list names it.
"""

import ast
import importlib
from functools import cache
from types import ModuleType
from typing import Any, Literal, NamedTuple

from mtl.runtime.errors import UserError
from mtl.runtime.syntax import PACKAGE, path_of, tree_of

EXTENSIONS = Literal["learners", "networks", "training.optimizers", "data.archives", "reporting.figures"]


class Kind(NamedTuple):
    """What makes a module an extension: its function, and its constants, with their types.

    Attributes:
        function: its name.
        constants: those it must have.
        optional: those it may have, with their values where it does not.
    """

    function: str
    constants: dict[str, type]
    optional: dict[str, Any] = {}  # noqa: RUF012 - a default of a tuple, which nothing changes


KINDS = {
    "learners": Kind(
        "build",
        {"KEYS": tuple, "INNER_STEPS": bool},
        {"OPTIONS": {}, "ANY_WAY": False, "WHOLE_QUERY_SETS": False, "JOINT": False},
    ),
    "networks": Kind("build", {"LABEL": str}),
    "training.optimizers": Kind("build", {}),
    "data.archives": Kind("read", {}),
    "reporting.figures": Kind("write", {"FILES": tuple, "PUBLISHED": str, "LABELS": bool}),
}


@cache
def extensions(room: EXTENSIONS) -> dict[str, dict[str, Any]]:
    """The extensions in a room, by name, with their constants. Nothing is imported, so planning needs no torch.

    Args:
        room: dotted name of a package below `mtl`.

    Raises:
        UserError: a file is no Python, or lacks a constant.
    """
    kind = KINDS[room]
    names = sorted(path.stem for path in PACKAGE.joinpath(*room.split(".")).glob("*.py") if path.stem != "__init__")
    found = {}
    for name in names:
        tree = tree_of(f"{room}.{name}")
        if any(isinstance(node, ast.FunctionDef) and node.name == kind.function for node in tree.body):
            found[name] = {**kind.optional, **_constants(tree)}
            optional = {constant: type(value) for constant, value in kind.optional.items()}
            for constant, needed in {**kind.constants, **optional}.items():
                if not isinstance(found[name].get(constant), needed):
                    raise UserError(
                        f"{path_of(f'{room}.{name}')}: {constant}: missing, or not a {needed.__name__}; a module of "
                        f"{room} with a function `{kind.function}` needs it"
                    )
    return found


def load(room: EXTENSIONS, name: str) -> ModuleType:
    """Imports an extension. A misspelt name is found when the config is checked."""
    return importlib.import_module(f"mtl.{room}.{name}")


def module_of(name: str) -> str:
    """The module of a figure or an optimiser, whose names have hyphens where those of modules have underscores."""
    return name.replace("-", "_")


def name_of(module: str) -> str:
    """The name of a figure or an optimiser, from that of its module."""
    return module.replace("_", "-")


def _constants(tree: ast.Module) -> dict[str, Any]:
    """The names in capitals that are assigned a plain value."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and target.id.isupper():
                try:
                    found[target.id] = ast.literal_eval(node.value)
                except ValueError:
                    continue
    return found
