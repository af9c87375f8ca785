"""Executes docs/extending.md: its files in a copy of the project, their tests, and a table with each extension."""

import json
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from mtl.reporting.explain import explained
from tests.helpers.learners import ROOT
from tests.helpers.pages import blocks, commands, files, write_file
from tests.helpers.project import planned, run, with_package

PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
SECTIONS = {text.partition("\n")[0]: blocks(text) for text in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}


def scored_once(folder):
    """Checks that a learner without inner steps, such as the example's, is scored once and says that it has none."""
    cell = folder / "results/class-means/glyphs/resnet12/seed0/class-means/5way-1shot"
    evaluation = json.loads((cell / "evaluation.json").read_text())
    assert (evaluation["steps"], evaluation["validation_accuracy_by_steps"]) == (None, {})
    assert evaluation["provenance"]["spec"]["base_learner"] is None
    assert "inner steps" not in next(explained(cell))
    (log,) = (folder / "logs/class-means").rglob("class-means/5way-1shot/evaluate.log")
    assert [line.split("]")[0] for line in log.read_text().splitlines()] == ["[class-means 5way-1shot, test episodes"]


def as_it_is(folder):
    """Needs no preparation and no further checks."""


LOOKED_AT = {"A learner": scored_once}


@pytest.mark.parametrize("section", SECTIONS)
def test_an_extension_is_its_files_and_reruns_nothing(project, section):
    with_package(project)
    shutil.copytree(ROOT / "tests", project / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", project)
    written = files(SECTIONS[section])
    for block in written:
        write_file(block, project)
    assert planned(project) == []
    test = next(block.file for block in written if block.file.startswith("tests/"))
    subprocess.run([sys.executable, "-m", "pytest", "-q", test], cwd=project, check=True)
    typed = [line for block in SECTIONS[section] if block.language == "console" for line in commands(block.text)]
    for command in typed:
        code, output = run(project, command)
        assert code == 0, output
    table = pd.read_csv(project / typed[-1].split()[3])
    assert table["accuracy"].notna().all()
    LOOKED_AT.get(section, as_it_is)(project)


@pytest.mark.parametrize("section", SECTIONS)
def test_an_extension_takes_less_than_thirty_lines(section):
    """Its test is not counted, nor is what makes images up."""
    counted = [block for block in files(SECTIONS[section]) if not block.file.startswith(("tests/", "make_"))]
    assert sum(bool(line) for block in counted for line in block.text.splitlines()) < 30
