"""The rooms of `mtl/`: imports go one way, and every module name is unique."""

import ast
from collections import Counter

import mtl
from tests.helpers.learners import ROOT

PACKAGE = ROOT / "mtl"
# Lowest first, as `mtl/__init__.py` lists them.
ROOMS = [line.split("`")[1] for line in mtl.__doc__.splitlines() if line.startswith("- `")]
MODULES = [path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts]


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mtl."):
            yield node.module.split(".")[1]


def test_every_room_is_explained():
    assert sorted(ROOMS) == sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file())


def test_nothing_runs_back_up():
    """`runtime.extensions` is no exception: it imports what a job names, but names no module itself."""
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {room}"
        for path in MODULES
        if room_of(path) in ROOMS
        for room in imported_rooms(path)
        if ROOMS.index(room) > ROOMS.index(room_of(path))
    ]
    assert wrong == []


def test_no_two_modules_have_one_name():
    names = Counter(path.stem for path in MODULES if path.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []


def test_files_fit_on_a_few_screens():
    long = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: lines for name, lines in long.items() if lines > 280} == {}
