"""The stages that read a dataset, run the way a user runs them."""

import pytest

from mtl.cli import main
from tests.helpers.datasets import CLASSES


@pytest.fixture
def stage(tmp_path, monkeypatch, capfd):
    """Runs `mtl <stage>` in its own folder; returns the exit code and the lines on stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "classes.csv").write_text(CLASSES)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["mtl", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code or 0, capfd.readouterr().err.splitlines()

    return run
