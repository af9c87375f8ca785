"""The specs that the jobs of an experiment get."""

import json
from types import SimpleNamespace

from mtl.experiment.jobs import SPECS
from mtl.experiment.project import extended, read_yaml
from mtl.specs.reading import from_json
from tests.helpers.learners import CONFIG


def spec(experiment, stage, **names):
    """The spec of a job."""
    return from_json(SPECS[stage], experiment.jobs.spec(stage)(wildcards(**names)))


def told(experiment, stage, **names):
    """The spec of a job, as plain values."""
    return json.loads(experiment.jobs.spec(stage)(wildcards(**names)))


def wildcards(**changed):
    values = {"dataset": "glyphs", "backbone": "resnet12", "seed": "0", "method": "ss-all-ht", "way": "5", "shot": "1"}
    return SimpleNamespace(**{**values, "split": "test", "query": "15", "size": "32", **changed})


def content_of(config, name):
    """The config of another experiment, which extends the default one."""
    return extended(config, read_yaml(CONFIG / f"{name}.yaml"))
