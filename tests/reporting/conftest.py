"""A few cells with accuracies made by hand."""

import pandas as pd
import pytest

from tests.helpers.measured import Measured
from tests.helpers.table import CELLS, PUBLISHED


@pytest.fixture
def measured(tmp_path):
    return Measured(tmp_path)


@pytest.fixture
def published(tmp_path):
    (tmp_path / "published.csv").write_text(PUBLISHED, encoding="utf-8")
    return tmp_path / "published.csv"


@pytest.fixture
def results(tmp_path):
    """A folder with per-episode accuracies of all cells but `linear` at 5 shots."""
    for one, accuracies in zip(CELLS, ([55.0, 65.0], [57.0, 67.0], [90.0, 90.0], [50.0, 60.0]), strict=False):
        path = tmp_path / "results" / one.folder / "episodes.csv"
        path.parent.mkdir(parents=True)
        pd.DataFrame({"episode": range(2), "accuracy": accuracies}).to_csv(path, index=False)
    return tmp_path / "results"
