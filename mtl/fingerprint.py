"""A digest of the code that makes a result, so that editing it reruns what it made and nothing else."""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent
# Of these a job uses those that its settings name; images that are rendered come from no archive.
CHOICES = frozenset(
    {
        "networks.conv4",
        "networks.resnet12",
        "data.glyphs",
        "data.layouts.images",
        "data.layouts.pickles",
        "data.layouts.ilsvrc",
        "data.layouts.cifar100",
        "data.layouts.members",
        "data.source",
        "data.decode",
    }
)
# These say and record, and compute nothing.
SILENT = frozenset({"fingerprint", "runtime.errors", "runtime.progress", "runtime.provenance"})


def of_stage(stage: str, backbone: str, learner: str | None = None) -> list[str]:
    """The modules of a stage that computes with a backbone and, past pre-training, a family of learners."""
    return [stage, f"networks.{backbone}", *([f"learners.{learner}"] if learner else [])]


@cache
def fingerprint(*modules: str) -> str:
    """A digest of modules of this package and of all that they import from it, in functions too.

    What is digested is the code without comments, docstrings and layout. Of `CHOICES` only those count that are named.

    Args:
        modules: dotted names below `mtl`, such as `training.pretrain`.
    """
    found, waiting = set[str](), list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += [name for name in _imports(module) if name not in SILENT and name not in CHOICES]
    digest = hashlib.sha256()
    for module in sorted(found):
        digest.update(f"{module}\n{_code(module)}\n".encode())
    return digest.hexdigest()[:16]


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
            node.body = node.body[1:] or [ast.Pass()]
    return repr(_plain(tree))


def _plain(node: object) -> object:
    """A syntax tree as tuples, without what is empty: the same in all versions of Python that can run this.

    (Its dump and its text are not: some versions show empty fields, or quote differently.)
    """
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
        return type(node).__name__, *((name, _plain(value)) for name, value in fields)
    return tuple(map(_plain, node)) if isinstance(node, list) else node


@cache
def _tree(module: str) -> ast.Module:
    path = _path(module)
    if path is None:
        raise ValueError(f"mtl.{module}: there is no such module")
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def _path(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
