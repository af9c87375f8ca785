"""A digest of the code that makes a result, so that editing it reruns what it made and nothing else."""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent


def of_learner(stage: str, learner: str) -> tuple[str, str]:
    """The modules of a stage that computes with a learner of `config/methods.yaml`."""
    return stage, f"learners.{learner.replace('-', '_')}"


def fingerprint(*modules: str) -> str:
    """A digest of modules of this package and of all that they import from it, in functions too.

    What is digested is the syntax tree: comments, docstrings and layout change nothing.

    Args:
        modules: dotted names below `mtl`, such as `training.pretrain`.
    """
    digest = hashlib.sha256()
    for module in sorted(set().union(*map(_reached, modules))):
        digest.update(f"{module}\n{_code(module)}\n".encode())
    return digest.hexdigest()[:16]


@cache
def _reached(module: str) -> frozenset[str]:
    """A module and all that it imports, directly or not."""
    found, waiting = set[str](), [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imports(name)
    return frozenset(found)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """The modules of this package that a module names in its imports."""
    names = []
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is imported may be a module or something inside one.
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    inside = [name.removeprefix("mtl.") for name in names if name.startswith("mtl.")]
    return tuple(name for name in dict.fromkeys(inside) if _path(name) is not None)


@cache
def _code(module: str) -> str:
    tree = _tree(module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


@cache
def _tree(module: str) -> ast.Module:
    path = _path(module)
    if path is None:
        raise ValueError(f"mtl.{module}: there is no such module")
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _path(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
