"""Projects in which the real DAG runs. Tests in this folder are marked `workflow`."""

import shutil
from pathlib import Path

import pytest

from tests.helpers.project import MAML, edit, make_project, snakemake


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.workflow)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project in which plain `snakemake` has run to the end."""
    folder = make_project(tmp_path_factory.mktemp("project"))
    edit(folder / "config/config.yaml", lambda config: config["grids"].append(MAML))
    code, output = snakemake(folder)
    assert code == 0, output
    return folder


@pytest.fixture
def project(finished, tmp_path):
    """A copy of it, to change, with modification times and Snakemake's records."""
    return shutil.copytree(finished, tmp_path / "project", symlinks=True)
