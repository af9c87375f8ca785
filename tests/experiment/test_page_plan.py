"""What the page of an experiment is told."""

import json

import pytest

from mtl.experiment.load import load
from mtl.experiment.project import read_yaml
from tests.helpers.learners import CONFIG

OTHERS = {"methods", "datasets", "tables", "claims", "decisions"}
EXPERIMENTS = sorted(path.stem for path in CONFIG.glob("*.yaml") if path.stem not in OTHERS)


def plan_of(content):
    return json.loads(load(content).page.plan(["config/config.yaml"], []))


def settings_of(plan, method):
    cells = zip(plan["asked"], plan["settings_of"], strict=True)
    return next(plan["settings"][index] for folder, index in cells if f"/{method}/5way-1shot" in folder)


def test_settings_are_those_that_differ_from_the_default_experiment(config):
    plan = plan_of(config)
    assert settings_of(plan, "ss-all") == {}
    assert settings_of(plan, "ft-all") == {
        "meta_train.learning_rate": ["0.002", "0.0001"],
        "meta_train.learning_rate_floor": ["0.0001", "1e-05"],
    }
    # A scheduler is told how much memory to give, which changes no number; threads do.
    config["jobs"]["evaluate"].update(memory=1, minutes=1, threads=2)
    plan = plan_of(config)
    assert settings_of(plan, "ss-all") == {"jobs.evaluate.threads": ["1", "2"]}
    config["jobs"]["evaluate"]["threads"] = 1
    config["width"] = 4
    config["pretrain"]["iterations"] = 7
    config["meta_train"]["iterations"] = 600
    config["grids"].append({"backbones": ["conv4"], "methods": ["maml"], "shots": [1]})
    plan = plan_of(config)
    differing = {"width": ["8", "4"], "pretrain.iterations": ["2000", "7"]}
    assert settings_of(plan, "linear") == differing
    assert settings_of(plan, "ss-all") == {**differing, "meta_train.iterations": ["300", "600"]}
    # It starts from random weights.
    assert "pretrain.iterations" not in settings_of(plan, "maml")


def test_the_cell_that_is_looked_into_is_nearest_to_the_papers_method(config):
    assert plan_of(config)["closer"] == ["glyphs/resnet12/seed0/ss-all-ht/5way-1shot"]
    config["methods"] = ["ft-all", "ss-last", "linear"]
    assert plan_of(config)["closer"] == ["glyphs/resnet12/seed0/ss-last/5way-1shot"]


def test_stages_are_counted(config):
    config["seeds"] = [0, 1]
    assert plan_of(config)["stages"] == {
        "fetch": 0, "split": 1, "prepare": 1, "episodes": 8, "pretrain": 2, "meta-train": 32, "evaluate": 44,
        "curve": 8, "report": 4,
    }  # fmt: skip


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_plan_of_every_experiment_fits_on_a_command_line(name):
    # Linux takes 128 KiB in one argument.
    assert len(load(read_yaml(CONFIG / f"{name}.yaml")).page.plan(["config/config.yaml"], [])) < 100_000
