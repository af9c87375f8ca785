"""The workflow as people deploy it: from a clone that is not installed, and as a module of another project."""

import os
import shlex
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from tests.helpers.learners import ROOT

# Removes paths to this checkout, as if it had never been installed.
UNINSTALLED = f"""
import sys
sys.path = [path for path in sys.path if not path.startswith({str(ROOT)!r}) or ".venv" in path]
sys.argv = ["snakemake", "-s", "workflow/Snakefile", "-n", "--cores", "1"]
from snakemake.cli import main
main()
"""


def test_a_clone_that_is_not_installed_can_be_planned(tmp_path):
    for name in ("config", "mtl", "workflow"):
        shutil.copytree(ROOT / name, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-P", "-c", UNINSTALLED], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pre-training resnet12 on glyphs" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the package installed from its wheel."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder / "dist"), str(ROOT)]
    subprocess.run([*pip, *wheel], check=True)
    (built,) = (folder / "dist").glob("*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(folder / "site"), str(built)], check=True
    )
    return folder / "site"


def test_another_project_uses_the_workflow_of_an_installed_wheel(site, tmp_path):
    project = shutil.copytree(ROOT / ".test", tmp_path / "project")
    environment = {**os.environ, "PYTHONPATH": str(site), "PATH": f"{site / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def run(*command):
        done = subprocess.run(
            [sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert run("-c", "import mtl; print(mtl.__file__)").startswith(str(site))
    # Rules of a module have a prefix.
    assert run("-m", "snakemake", "--cores", "2").count("2 of 2 cells finished") == 1
    table = pd.read_csv(project / "results/tiny/table1.csv")
    assert sorted(table["method"]) == ["linear", "ss-all"]
    assert table["accuracy"].notna().all()
    assert "Nothing to be done" in run("-m", "snakemake", "--cores", "2")
    assert "all files are as it lists them, and as the config asks" in run("-m", "mtl.cli", "verify", "results/tiny")
    cell = "results/tiny/glyphs/resnet12/seed0/linear/5way-1shot"
    remove, _, build = run("-m", "mtl.cli", "explain", cell).splitlines()[-1].partition("; ")
    assert remove == f"to make it again: rm -f {cell}/evaluation.json"
    (project / cell / "evaluation.json").unlink()
    assert "evaluating linear on glyphs" in run("-m", *shlex.split(build), "-n")
    # Everything it wrote is in its own folders.
    assert {path.name for path in project.iterdir()} <= {
        "Snakefile", "config", "results", "logs", "resources", ".snakemake",
    }  # fmt: skip
