"""A number is never shown under settings it was not made with, whatever became of Snakemake's records."""

import shutil

import pandas as pd
import pytest

from tests.helpers.project import edit, planned, snakemake


def wider(project):
    edit(project / "config/config.yaml", lambda config: config.update(width=64))


@pytest.mark.parametrize("records", ["kept", "lost", "touched"])
def test_other_settings_make_a_table_stale(project, records):
    wider(project)
    if records == "lost":
        shutil.rmtree(project / ".snakemake")
    if records == "touched":
        code, output = snakemake(project, "--touch", "results/table1.csv")
        assert code == 0, output
    code, output = snakemake(project, "results/partial/table1.csv", "--forcerun", "partial_table")
    assert code == 0, output
    table = pd.read_csv(project / "results/partial/table1.csv")
    assert set(table["verdict"]) == {"stale"}
    assert table["accuracy"].isna().all()
    if records == "kept":
        assert "pre-training resnet12 on glyphs, seed 0" in planned(project, "results/table1.csv")
    else:
        # Snakemake takes the cells for finished; the table says what they are.
        code, output = snakemake(project, "results/table1.csv", "--forcerun", "table")
        assert code == 0, output
        assert set(pd.read_csv(project / "results/table1.csv")["verdict"]) == {"stale"}
