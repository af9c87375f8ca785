"""The tables and claims that are kept say what their cells, which are kept beside them, measured."""

import json

import pytest

from mtl.experiment.load import load
from mtl.experiment.project import read_yaml
from mtl.reporting.claims_page import write_claims
from mtl.reporting.tables import write_table
from tests.helpers.learners import CONFIG, ROOT

KEPT = ROOT / "docs/results/miniimagenet-cpu"


def judged(plan):
    """A plan that takes all cells as they are; an older version wrote their settings otherwise."""
    return json.dumps({name: value for name, value in json.loads(plan).items() if name != "asked"})


@pytest.fixture(scope="module")
def reports():
    return load(read_yaml(KEPT / "config.yaml"), ROOT).reports


@pytest.mark.parametrize("table", ["table1", "table2"])
def test_tables(reports, tmp_path, table):
    files = [tmp_path / f"{table}.{suffix}" for suffix in ("csv", "md")]
    write_table(judged(reports.table(table)), CONFIG / "published/tables.csv", KEPT, tmp_path / "logs", *files)
    for file in files:
        assert file.read_bytes() == (KEPT / file.name).read_bytes()


def test_claims(reports, tmp_path):
    files = [tmp_path / f"claims.{suffix}" for suffix in ("csv", "md")]
    write_claims(judged(reports.claims()), KEPT, *files)
    for file in files:
        assert file.read_bytes() == (KEPT / file.name).read_bytes()
