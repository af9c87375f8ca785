"""A digest of the code that makes a result, so that an edit reruns the results of the edited code and nothing else.

It covers what an entry point reaches, definition by definition: the function itself, every function, class and
constant that it names, and so on. Helpers that nothing calls, modules that nothing imports and extensions that no job
names are in no digest. Modules that are imported by name at run time are entry points of their own.
"""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from mtl.runtime.syntax import path_of, tree_of

# What cannot change a number, and why.
WITHOUT_EFFECT = {
    "specs": "what a job was told stands in its parameters",
    "experiment": "what it plans stands in the parameters of jobs",
    "runtime.errors": "says what went wrong",
    "runtime.progress": "shows how far a job is",
    "runtime.provenance": "records how a result was made",
    "runtime.fingerprint": "decides what is made again",
    "runtime.extensions": "imports what the job names, and what it names is an entry point",
    "runtime.files:locked": "waits for other jobs",
    "runtime.files:_alive": "tidies up after killed jobs",
    "runtime.device:_own_gpu": "equal GPUs give equal numbers",
    "runtime.device:_keep_memory": "saves time",
}


class Definition(NamedTuple):
    """Something at the top level of a module: a function, a class, a constant or an import."""

    module: str
    name: str


def of_stage(stage: str, backbone: str, learner: str | None = None) -> list[str]:
    """The entry points of a stage that uses a backbone and, after pre-training, a learner.

    Args:
        stage: its function, such as `training.pretrain:pretrain`.
        backbone: a module of `mtl.networks`.
        learner: a module of `mtl.learners`.
    """
    return [stage, f"networks.{backbone}:build", *([f"learners.{learner}:build"] if learner else [])]


@cache
def fingerprint(*entries: str) -> str:
    """A digest of the code that entry points reach in this package, ignoring comments, docstrings and layout.

    Args:
        entries: `module:name`, with a dotted module name below `mtl`: `training.pretrain:pretrain`.

    Raises:
        ValueError: there is no such definition.
    """
    reached = set[Definition]()
    waiting = [_entry(entry) for entry in entries]
    while waiting:
        definition = waiting.pop()
        if definition not in reached and not _is_without_effect(definition):
            reached.add(definition)
            waiting += _references(definition)
    digest = hashlib.sha256()
    for definition in sorted(reached):
        digest.update(f"{definition.module}:{definition.name}\n{_code(definition)}\n".encode())
    return digest.hexdigest()[:16]


def _entry(entry: str) -> Definition:
    module, _, name = entry.partition(":")
    if name not in _definitions(module):
        raise ValueError(f"mtl.{module}: has no {name!r}")
    return Definition(module, name)


def _is_without_effect(definition: Definition) -> bool:
    module, name = definition
    return not {module, module.partition(".")[0], f"{module}:{name}"}.isdisjoint(WITHOUT_EFFECT)


@cache
def _definitions(module: str) -> dict[str, list[ast.stmt]]:
    """The top-level statements of a module by the name they define; those that define none are under ""."""
    found: dict[str, list[ast.stmt]] = {"": []}
    for node in tree_of(module).body:
        for name in _defined(node) or [""]:
            found.setdefault(name, []).append(node)
    return found


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return []


@cache
def _references(definition: Definition) -> Sequence[Definition]:
    """What a definition refers to. Statements that define no name run on import, so all definitions refer to them."""
    module, name = definition
    known = _definitions(module)
    found = [Definition(module, "")]
    for node in (inner for statement in known[name] for inner in ast.walk(statement)):
        if isinstance(node, ast.Name) and node.id in known:
            found.append(Definition(module, node.id))
        elif isinstance(node, ast.ImportFrom | ast.Import):
            found += _imported(node, name if node in known[name] else None)
    return found


def _imported(node: ast.ImportFrom | ast.Import, name: str | None) -> Iterator[Definition]:
    """What an import takes from this package; with `name`, only what it binds to that name.

    A module that is imported as a whole counts with everything it defines.
    """
    for alias in node.names:
        if name not in (None, alias.asname or alias.name):
            continue
        origin = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        inside = _within(origin)
        if inside is not None and alias.name in _definitions(inside):
            yield Definition(inside, alias.name)
            continue
        module = _within(f"{origin}.{alias.name}".removeprefix("."))
        if module is not None and path_of(module) is not None:
            yield from (Definition(module, name) for name in _definitions(module))


def _within(name: str) -> str | None:
    """The dotted name below `mtl` of a module of this package; None for other modules."""
    inside = name == "mtl" or name.startswith("mtl.")
    return name.removeprefix("mtl").removeprefix(".") if inside else None


@cache
def _code(definition: Definition) -> str:
    module, name = definition
    statements = _definitions(module)[name]
    return repr([_imports_as(name, node) or _plain(node) for node in statements if not _is_text(node)])


def _imports_as(name: str, node: ast.stmt) -> object:
    """What an import binds to a name, ignoring its other names; None for other statements."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return None
    alias = next(alias for alias in node.names if name == (alias.asname or alias.name.partition(".")[0]))
    return getattr(node, "module", None), alias.name


def _is_text(node: object) -> bool:
    """Whether a statement is a docstring or another bare constant."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _plain(node: object) -> object:
    """A syntax tree as tuples, without docstrings and empty fields: the same in all supported versions of Python.

    (The results of `ast.dump` and `ast.unparse` are not: some versions show empty fields, or quote differently.)
    """
    if isinstance(node, ast.AST):
        fields = [(name, _plain(value)) for name, value in ast.iter_fields(node)]
        return type(node).__name__, *((name, value) for name, value in fields if value not in (None, ()))
    if isinstance(node, list):
        return tuple(_plain(inner) for inner in node if not _is_text(inner))
    return node
