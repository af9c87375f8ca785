"""Every key that can change a number is asked of the cells."""

import dataclasses

import pytest

from mtl.experiment.cell import Cell
from mtl.experiment.load import load
from mtl.specs.inner_steps import BaseLearner
from mtl.specs.meta_training import HardTasks, MetaTrain
from mtl.specs.pretraining import Pretrain
from tests.helpers.learners import ROOT, put

# Every key of a config that can change a number, with another value than the default experiment's.
CHANGES = {
    "image_size": 16,
    "width": 4,
    "batch_norm": "episode",
    "queries_together": 1,
    "pretrain.iterations": 7,
    "pretrain.batch_size": 7,
    "pretrain.optimizer": "adam-halving",
    "pretrain.learning_rate": 0.7,
    "pretrain.halve_every": 7,
    "pretrain.learning_rate_floor": 0.7,
    "pretrain.weight_decay": 0.7,
    "pretrain.dropout": 0.7,
    "pretrain.crop_padding": 7,
    "pretrain.flip": True,
    "meta_train.iterations": 700,
    "meta_train.tasks": 1,
    "meta_train.query": 7,
    "meta_train.way": 7,
    "meta_train.theta_start": "zero",
    "meta_train.learning_rate": 0.7,
    "meta_train.halve_every": 7,
    "meta_train.learning_rate_floor": 0.7,
    "meta_train.validate_every": 7,
    "meta_train.selected_iteration": 7,
    "meta_train.select_on": "test",
    "hard_tasks.every": 7,
    "hard_tasks.tasks": 8,
    "base_learner.learning_rate": 0.7,
    "base_learner.reduction": "sum-over-shots",
    "base_learner.steps": 7,
    "base_learner.order": "first",
    "base_learner.test_steps": [7],
    "base_learner.flip_support": True,
    "episodes.query": 7,
    "episodes.validation": 7,
    "episodes.test": 7,
    "runtime.dtype": "bfloat16",
    "jobs.pretrain.threads": 7,
    "jobs.meta_train.threads": 7,
    "jobs.evaluate.threads": 7,
}


# What else must hold for a key to change one.
NEEDED = {
    "queries_together": {"batch_norm": "episode", "methods": ["ss-all-ht"]},
    "meta_train.way": {"methods": ["prototypes-ss"]},
}


@pytest.mark.parametrize("path", CHANGES)
def test_every_key_that_can_change_a_number_is_asked_of_the_cells(config, path):
    config["overrides"] = []
    config |= NEEDED.get(path, {})
    cell = Cell("glyphs", "resnet12", 0, "ss-all-ht", 5, 1)
    before = load(config, ROOT).jobs.asked(cell)
    put(config, path, CHANGES[path])
    assert load(config, ROOT).jobs.asked(cell) != before


def test_every_key_of_a_section_that_computes_is_among_them():
    """A new key must be added to this list, or be one that changes no number."""
    sections = {"pretrain": Pretrain, "meta_train": MetaTrain, "hard_tasks": HardTasks, "base_learner": BaseLearner}
    silent = {"pretrain.log_every", "meta_train.snapshots"}
    keys = {f"{name}.{field.name}" for name, kind in sections.items() for field in dataclasses.fields(kind)}
    assert keys - silent <= set(CHANGES)
