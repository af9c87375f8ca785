"""What jobs request, which overrides may change like other settings."""

from types import SimpleNamespace

import pytest

from mtl.experiment.load import load
from mtl.runtime.errors import UserError
from tests.helpers.learners import ROOT

CELL = {"dataset": "glyphs", "backbone": "resnet12", "way": "5", "shot": "1"}


def needs(experiment, stage, **names):
    return experiment.jobs.needs(stage, SimpleNamespace(**names))


def test_some_cells_may_request_other_resources(config):
    before = load(config, ROOT)
    config["overrides"].append({"when": {"method": "linear"}, "jobs": {"evaluate": {"minutes": 3, "threads": 2}}})
    after = load(config, ROOT)
    linear, other = ({**CELL, "method": method} for method in ("linear", "ss-all"))
    assert needs(after, "evaluate", **linear).minutes == 3
    assert needs(after, "evaluate", **linear).memory == needs(before, "evaluate", **linear).memory
    assert needs(after, "evaluate", **other) == needs(before, "evaluate", **other)
    # Torch uses as many threads as are requested.
    assert '"threads": 2' in after.jobs.spec("evaluate")(SimpleNamespace(**linear, seed="0"))


def test_preparing_one_dataset_may_request_other_resources(config):
    config["overrides"].append({"when": {"dataset": "glyphs"}, "jobs": {"prepare": {"memory": 9000}}})
    experiment = load(config, ROOT)
    assert needs(experiment, "prepare", dataset="glyphs", size="32").memory == 9000
    assert needs(experiment, "prepare", dataset="fc100", size="32").memory != 9000


def test_a_request_of_nothing_is_one_line(config):
    config["overrides"].append({"when": {}, "jobs": {"evaluate": {"minutes": 0}}})
    with pytest.raises(UserError, match=r"jobs\.evaluate\.minutes"):
        load(config, ROOT)
