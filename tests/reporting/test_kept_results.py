"""The tables and claims that are kept say what their cells, which are kept beside them, measured."""

import json

import pytest

from mtl.experiment.load import load
from mtl.experiment.project import read_yaml
from mtl.reporting.claims_page import write_claims
from mtl.reporting.rates_table import not_chosen
from mtl.reporting.tables import write_table
from tests.helpers.learners import CONFIG, ROOT

KEPT = ROOT / "docs/results"
# Folder of the cells, folder of the reports below it, and what these take of the experiment.
REPORTS = [
    ("miniimagenet-cpu", ".", {}),
    ("fc100-cpu", ".", {}),
    ("paper-short", ".", {}),
    ("paper-short", "seed0", {"seeds": [0]}),
    ("paper-short", "5-shot", {"shots": [5], "methods": ["ss-all", "ss-all-ht", "linear"]}),
]


def kept(report):
    return [
        (*entry, path.stem) for entry in REPORTS if (path := KEPT / entry[0] / entry[1] / f"{report}.csv").is_file()
    ]


def reports_of(cells, only):
    return load({**read_yaml(cells / "config.yaml"), **only}, ROOT).reports


def judged(plan):
    """A plan that takes all cells as they are; an older version wrote their settings otherwise."""
    return json.dumps({name: value for name, value in json.loads(plan).items() if name != "asked"})


@pytest.mark.parametrize(("cells", "reports", "only", "table"), [*kept("table1"), *kept("table2"), *kept("table3")])
def test_tables(tmp_path, cells, reports, only, table):
    files = [tmp_path / f"{table}.{suffix}" for suffix in ("csv", "md")]
    plan = judged(reports_of(KEPT / cells, only).table(table))
    write_table(plan, CONFIG / "published/tables.csv", KEPT / cells, tmp_path / "logs", *files)
    for file in files:
        assert file.read_bytes() == (KEPT / cells / reports / file.name).read_bytes()


@pytest.mark.parametrize(
    ("experiment", "otherwise"),
    [
        ("fc100-cpu", []),
        # With hard tasks nothing but these is to differ from SS without them.
        (
            "miniimagenet-cpu",
            ["miniimagenet/resnet12/seed0/ss-all-ht/5way-1shot: the rate is 0.001, but rates.csv chose 0.003"],
        ),
    ],
)
def test_configs_name_the_rates_that_validation_chose(experiment, otherwise):
    grid = load(read_yaml(CONFIG / f"{experiment}.yaml"), ROOT).grid
    problems = not_chosen(KEPT / experiment / "rates.csv", grid)
    assert problems == otherwise


@pytest.mark.parametrize(("cells", "reports", "only", "_"), kept("claims"))
def test_claims(tmp_path, cells, reports, only, _):
    files = [tmp_path / f"claims.{suffix}" for suffix in ("csv", "md")]
    write_claims(judged(reports_of(KEPT / cells, only).claims()), KEPT / cells, *files)
    for file in files:
        assert file.read_bytes() == (KEPT / cells / reports / file.name).read_bytes()
