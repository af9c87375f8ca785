"""A digest of the code that makes a result, so that editing it reruns what it made and nothing else.

It covers what an entry point reaches, definition by definition: the function itself, every function, class and
constant that it names, and so on. A helper that nothing calls, a module that nothing imports and an extension that no
job names are in no digest. Modules that are imported by name at run time are entry points of their own.

Inside the package only `from mtl.room.module import name` can be followed, so every other import is an error.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from mtl.runtime.errors import UserError
from mtl.runtime.syntax import path_of, tree_of

# Rooms, modules and definitions that cannot change a number, and why.
WITHOUT_EFFECT = {
    "runtime.errors": "says what went wrong",
    "runtime.progress": "shows how far a job is",
    "runtime.provenance": "records how a result was made",
    "runtime.fingerprint": "decides what is made again",
    "runtime.extensions": "imports what the job names, and what it names is an entry point",
    "runtime.files:locked": "waits for other jobs",
    "runtime.files:_alive": "tidies up after killed jobs",
    "runtime.device:_own_gpu": "equal GPUs give equal numbers",
    "runtime.device:_keep_memory": "saves time",
    "training.checkpoint:finished": "spares what is finished",
    "training.checkpoint:INTERVAL": "how often the state is saved",
    "training.checkpoint:SHARE": "how often the state is saved",
    "evaluation.evaluate:REPORT_EVERY": "how often progress is shown",
    "data.prepare:REPORT_EVERY": "how often progress is shown",
}
# Of a class in these rooms only its methods count: the values of its fields are parameters of the job.
DECLARATIONS = "specs"


class Definition(NamedTuple):
    """A function, class, constant or import at the top level of a module; "" is whatever else is done there."""

    module: str
    name: str


@cache
def fingerprint(*entries: str) -> str:
    """A digest of the code that entry points reach in this package, without comments, docstrings and layout.

    Args:
        entries: `module:name`, the module dotted and below `mtl`: `training.pretrain:pretrain`.

    Raises:
        ValueError: there is no such definition.
        UserError: a module has a syntax error, or an import that cannot be followed.
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
        if code := _code(definition):
            digest.update(f"{definition.module}:{definition.name}\n{code}\n".encode())
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
    """The statements at the top level of a module by the names they define; those that define none under ""."""
    found: dict[str, list[ast.stmt]] = {"": []}
    for node in tree_of(module).body:
        for name in _defined(node) or [""]:
            found.setdefault(name, []).append(node)
    return found


def _defined(node: ast.stmt) -> list[str]:
    """The names that a statement binds; those of a compound statement are all that are bound inside."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [_bound(alias) for alias in node.names]
    inner = [name for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt) for name in _defined(child)]
    handlers = [handler for handler in getattr(node, "handlers", []) if isinstance(handler, ast.ExceptHandler)]
    inner += [name for handler in handlers for child in handler.body for name in _defined(child)]
    targets = [*getattr(node, "targets", []), getattr(node, "target", None)]
    targets += [item.optional_vars for item in getattr(node, "items", [])]
    names = [name for target in targets if target is not None for name in ast.walk(target)]
    stored = [name.id for name in names if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]
    return [*inner, *stored]


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


@cache
def _nodes(definition: Definition) -> Sequence[ast.AST]:
    """The statements of a definition that count."""
    statements = _definitions(definition.module)[definition.name]
    if definition.module.partition(".")[0] != DECLARATIONS:
        return statements
    parts: list[ast.AST] = []
    for node in statements:
        if isinstance(node, ast.ClassDef):
            parts += [*node.bases, *(inner for inner in node.body if isinstance(inner, ast.FunctionDef))]
        else:
            parts.append(node)
    return parts


@cache
def _references(definition: Definition) -> Sequence[Definition]:
    """What a definition names, and what importing its module does besides."""
    module, name = definition
    known = _definitions(module)
    found = [Definition(module, "")]
    if not name:
        imports = (node for node in tree_of(module).body if isinstance(node, ast.Import | ast.ImportFrom))
        found += [Definition(inside.module, "") for node in imports for inside in _imported(module, node, node.names)]
        if module:
            found.append(Definition(module.rpartition(".")[0], ""))
    for top in _nodes(definition):
        for node in ast.walk(top):
            if isinstance(node, ast.Name) and node.id in known:
                found.append(Definition(module, node.id))
            elif isinstance(node, ast.Import | ast.ImportFrom):
                # Of an import at the top level only what goes by this name.
                aliases = [alias for alias in node.names if node is not top or _bound(alias) == name]
                found += _imported(module, node, aliases)
    return found


def _imported(module: str, node: ast.Import | ast.ImportFrom, aliases: Iterable[ast.alias]) -> Iterator[Definition]:
    """What an import fetches from this package. A module that is imported as a whole counts with all it defines."""
    origin = getattr(node, "module", None) or ""
    within = origin == "mtl" or origin.startswith("mtl.")
    dotted = isinstance(node, ast.Import) and any(alias.name.partition(".")[0] == "mtl" for alias in node.names)
    if dotted or (isinstance(node, ast.ImportFrom) and node.level > 0):
        raise _unfollowable(module, node)
    for alias in aliases if within else ():
        inside = origin.removeprefix("mtl").removeprefix(".")
        target = f"{inside}.{alias.name}".removeprefix(".")
        if path_of(inside) is not None and alias.name in _definitions(inside):
            yield Definition(inside, alias.name)
        elif (path := path_of(target)) is not None and path.name != "__init__.py":
            yield from (Definition(target, name) for name in _definitions(target))
        else:
            raise _unfollowable(module, node)


def _unfollowable(module: str, node: ast.stmt) -> UserError:
    return UserError(
        f"{path_of(module)}: line {node.lineno}: the digest of the code cannot follow this import; write `from "
        "mtl.room.module import name`"
    )


@cache
def _code(definition: Definition) -> str:
    """The text that stands for a definition, empty where nothing is left of it."""
    parts = [_imports_as(definition.name, node) or _plain(node) for node in _nodes(definition) if not _is_text(node)]
    return repr(parts) if parts else ""


def _imports_as(name: str, node: ast.AST) -> object:
    """What an import gives a name, without the other names it imports; None for other statements."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return None
    return getattr(node, "module", None), next(alias.name for alias in node.names if _bound(alias) == name)


def _is_text(node: object) -> bool:
    """Whether a statement is a docstring, or says nothing."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _plain(node: object) -> object:
    """A syntax tree as tuples, the same in all supported versions of Python.

    Left out are docstrings, annotations of functions, messages for users and empty fields. (`ast.dump` and
    `ast.unparse` differ between versions.)
    """
    if isinstance(node, ast.AST):
        fields = [(name, _plain(value)) for name, value in ast.iter_fields(node) if not _says_nothing(node, name)]
        return type(node).__name__, *((name, value) for name, value in fields if value not in (None, ()))
    if isinstance(node, list):
        return tuple(_plain(inner) for inner in node if not _is_text(inner))
    return node


def _says_nothing(node: ast.AST, field: str) -> bool:
    """Whether a field of a node cannot change what is computed."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UserError":
        return field in ("args", "keywords")
    return field == "returns" or (field == "annotation" and isinstance(node, ast.arg))
