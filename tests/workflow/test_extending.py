"""docs/extending.md, executed: its files in a copy of the project, their tests, and a table with each extension."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtl.reporting.explain import explained
from tests.helpers.learners import ROOT
from tests.helpers.project import planned, snakemake, with_package

PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- (file|append): (\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)
SECTIONS = {text.partition("\n")[0]: text for text in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}


def write_birds(folder):
    """A dataset in the form of the example."""
    rng = np.random.default_rng(0)
    classes = {f"{split}-{i}": split for split in ("train", "val", "test") for i in range(5)}
    np.savez(folder / "birds.npz", **{name: rng.integers(256, size=(8, 16, 16, 3), dtype=np.uint8) for name in classes})
    rows = "".join(f"{split},{name}\n" for name, split in classes.items())
    (folder / "config/splits/birds.csv").write_text(f"split,class\n{rows}")


PREPARE = {"A learner": lambda _: None, "A backbone": lambda _: None, "A form of archive": write_birds}


@pytest.mark.parametrize("section", SECTIONS)
def test_an_extension_is_its_files_and_reruns_nothing(project, section):
    with_package(project)
    shutil.copytree(ROOT / "tests", project / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", project)
    files = BLOCK.findall(SECTIONS[section])
    for action, name, content in files:
        assert (project / name).exists() == (action == "append"), name
        with (project / name).open("a", encoding="utf-8") as file:
            file.write(content)
    PREPARE[section](project)
    assert planned(project) == []
    test = next(name for _, name, _ in files if name.startswith("tests/"))
    subprocess.run([sys.executable, "-m", "pytest", "-q", test], cwd=project, check=True)
    command = re.search(r"```console\nsnakemake --cores 2 (.*)\n```", SECTIONS[section])[1].split()
    code, output = snakemake(project, *command)
    assert code == 0, output
    table = pd.read_csv(project / command[0])
    assert table["accuracy"].notna().all()
    assert planned(project) == []


def test_a_learner_without_inner_steps_is_scored_once_and_says_so(project, monkeypatch):
    """The learner of the page has none."""
    monkeypatch.chdir(project)
    with_package(project)
    for action, name, content in BLOCK.findall(SECTIONS["A learner"]):
        if not name.startswith("tests/"):
            with Path(name).open("a" if action == "append" else "w", encoding="utf-8") as file:
                file.write(content)
    folder = Path("results/class-means/glyphs/resnet12/seed0/class-means/5way-1shot")
    code, output = snakemake(project, str(folder / "evaluation.json"), "--configfile", "class-means.yaml")
    assert code == 0, output
    evaluation = json.loads((folder / "evaluation.json").read_text())
    assert (evaluation["steps"], evaluation["validation_accuracy_by_steps"]) == (None, {})
    assert evaluation["provenance"]["spec"]["base_learner"] is None
    assert "inner steps" not in next(explained(folder))
    # Its log tells of the test episodes alone, and of those once.
    (log,) = Path("logs/class-means").rglob("evaluate.log")
    assert [line.split("]")[0] for line in log.read_text().splitlines()] == ["[class-means 5way-1shot, test episodes"]
