"""Projects in which the real DAG runs. Tests in this folder are marked `workflow`."""

import shutil
from pathlib import Path

import pytest

from tests.helpers.project import MAML, edit, made_once, make_project, snakemake


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.workflow)
    # These take longest. Files that come last would leave other processes without work.
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)


def make_finished(folder):
    make_project(folder)
    edit(folder / "config/config.yaml", lambda config: config["grids"].append(MAML))
    code, output = snakemake(folder)
    assert code == 0, output


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A project in which plain `snakemake` has run to the end."""
    return made_once(tmp_path_factory, worker_id, "finished", make_finished)


@pytest.fixture
def project(finished, tmp_path):
    """A copy of it, to change, with modification times and Snakemake's records."""
    return shutil.copytree(finished, tmp_path / "project", symlinks=True)
