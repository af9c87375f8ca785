"""Projects in which the real DAG runs. Tests in this folder are marked `workflow`."""

import fcntl
import shutil
from pathlib import Path

import pytest

from tests.helpers.project import MAML, edit, make_project, snakemake


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.workflow)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A project in which plain `snakemake` has run to the end. Processes that share the tests share it."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder, done = shared / "finished", shared / "finished.done"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make_project(folder)
            edit(folder / "config/config.yaml", lambda config: config["grids"].append(MAML))
            code, output = snakemake(folder)
            assert code == 0, output
            done.touch()
    return folder


@pytest.fixture
def project(finished, tmp_path):
    """A copy of it, to change, with modification times and Snakemake's records."""
    return shutil.copytree(finished, tmp_path / "project", symlinks=True)
