"""Which cells a config has, and which spec a value of it reaches."""

import copy
import json

from mtl.experiment.cell import Cell
from mtl.experiment.load import checked_experiment, load
from mtl.experiment.project import Project
from mtl.runtime.extensions import extensions
from tests.helpers.experiments import spec, told, wildcards
from tests.helpers.learners import ROOT, put


def test_grids_add_cells_and_none_twice(config):
    config["grids"] = [{}, {"shots": [1, 10]}, {"backbones": ["conv4"], "methods": ["maml"], "shots": [1]}]
    cells = load(config, ROOT).grid.cells
    assert len(cells) == len(set(cells)) == 22 + 11 + 1
    assert cells[-1] == Cell("glyphs", "conv4", 0, "maml", 5, 1)


def test_a_grid_may_have_other_seeds(config):
    config["seeds"] = [3, 1]
    config["grids"] = [{}, {"seeds": [3, 2], "methods": ["ss-last"], "shots": [1]}]
    cells = load(config, ROOT).grid.cells
    assert len(cells) == 2 * 22 + 1
    assert cells[-1] == Cell("glyphs", "resnet12", 2, "ss-last", 5, 1)


def test_a_grid_may_have_other_ways(config):
    """Its cells have specs and stored episodes of their own; those of the other cells stay as they were."""
    before = load(config, ROOT)
    config["grids"].append({"ways": [5, 20], "methods": ["ss-all", "linear"], "shots": [1]})
    config["overrides"].append({"when": {"way": 20}, "base_learner": {"steps": 7}})
    experiment = load(config, ROOT)
    cells = experiment.grid.cells
    added = [Cell("glyphs", "resnet12", 0, method, 20, 1) for method in ("ss-all", "linear")]
    assert cells == [*before.grid.cells, *added]
    assert experiment.grid.selected("way") == [5, 20]
    assert [before.jobs.asked(cell) for cell in cells[:-2]] == [experiment.jobs.asked(cell) for cell in cells[:-2]]
    assert spec(experiment, "episodes", way="20").way == 20
    meta_train = spec(experiment, "meta_train", method="ss-all", way="20")
    assert (meta_train.way, meta_train.base_learner.steps) == (20, 7)
    columns = json.loads(experiment.reports.table("table1"))["columns"]
    assert columns == [["glyphs", 5, 1], ["glyphs", 5, 5], ["glyphs", 20, 1]]


def test_hard_task_settings_reach_only_methods_with_hard_tasks(config):
    experiment = load(config, ROOT)
    assert told(experiment, "meta_train", method="ss-all")["hard_tasks"] is None
    assert told(experiment, "meta_train")["hard_tasks"] == {"every": 10, "tasks": 10}


def test_snapshots_reach_only_methods_whose_curve_is_drawn(config):
    experiment = load(config, ROOT)
    assert told(experiment, "meta_train", method="ft-all")["meta_train"]["snapshots"] == []
    assert (
        told(experiment, "meta_train", method="ss-all")["meta_train"]["snapshots"] == config["meta_train"]["snapshots"]
    )


def test_how_a_number_is_written_changes_no_spec(config):
    before = told(load(config, ROOT), "pretrain")
    put(config, "pretrain.dropout", 0)
    assert json.dumps(told(load(config, ROOT), "pretrain")) == json.dumps(before)


def test_a_condition_that_is_null_is_none(config):
    config["overrides"] = [{"when": {"shot": None, "method": "ss-all"}, "base_learner": {"steps": 7}}]
    experiment = load(config, ROOT)
    assert told(experiment, "meta_train", method="ss-all", shot="5")["base_learner"]["steps"] == 7


def test_a_stage_is_told_only_what_it_depends_on(config):
    experiment = load(config, ROOT)
    assert set(told(experiment, "meta_train")["base_learner"]) == {"learning_rate", "reduction", "steps"}
    assert set(told(experiment, "evaluate")["base_learner"]) == {"learning_rate", "reduction", "test_steps"}
    assert "label" not in told(experiment, "evaluate")["method"]
    # Values that equal their default are left out.
    assert "modulate" not in told(experiment, "evaluate", method="linear")["method"]


def test_later_overrides_win_and_touch_only_their_cells(config, others):
    config["overrides"] = [
        {"when": {"shot": 5}, "base_learner": {"steps": 60}},
        {"when": {"shot": 5, "method": ["ss-all", "linear"]}, "base_learner": {"steps": 70}},
        {"when": {"backbone": "conv4"}, "width": 4},
    ]
    experiment = checked_experiment(Project(ROOT), config, others, "config.yaml")
    steps = {
        (method, shot): told(experiment, "meta_train", method=method, shot=shot)["base_learner"]["steps"]
        for method in ("ss-all", "ft-all")
        for shot in ("1", "5")
    }
    assert steps == {("ss-all", "1"): 20, ("ss-all", "5"): 70, ("ft-all", "1"): 20, ("ft-all", "5"): 60}
    backbones = extensions("networks")
    widths = {name: told(experiment, "pretrain", backbone=name)["network"]["width"] for name in backbones}
    assert widths == dict.fromkeys(backbones, config["width"]) | {"conv4": 4}


def test_cells_may_have_other_batch_norm_statistics(config):
    """Pre-training, which always uses those of the batch, is the same for all of them."""
    before = load(copy.deepcopy(config), ROOT)
    config["overrides"].append({"when": {"method": "ss-all"}, "batch_norm": "episode"})
    after = load(config, ROOT)
    for cell in after.grid.cells:
        stages = [experiment.jobs.asked(cell) for experiment in (before, after)]
        changed = {stage for stage in stages[0] if stages[0][stage] != stages[1][stage]}
        assert changed == ({"meta_train", "evaluate"} if cell.method == "ss-all" else set())
    assert told(after, "meta_train", method="ss-all")["batch_norm"] == "episode"
    table = json.loads(after.reports.table("table1"))
    episode = {folder for folder, made in table["cells"].items() if table["made"][made]["batch_norm"] == "episode"}
    assert episode == {f"glyphs/resnet12/seed0/ss-all/5way-{shot}shot" for shot in (1, 5)}


def test_cells_may_have_other_groups_of_queries_on_the_same_episodes(config):
    config["batch_norm"] = "episode"
    config["overrides"] += [
        {"when": {"method": "ss-all"}, "queries_together": "shot"},
        {"when": {"method": "ft-all"}, "queries_together": 1},
        {"when": {"method": "ft-last"}, "queries_together": 15},
        {"when": {"method": "ss-last"}, "queries_together": 1, "batch_norm": "running"},
    ]
    experiment = load(config, ROOT)
    for stage in ("meta_train", "evaluate", "curve"):
        for shot in (1, 5):
            told_of = {
                method: told(experiment, stage, method=method, shot=str(shot))
                for method in ("ss-all", "ft-all", "ft-last", "ss-last", "ft-head")
            }
            groups = {method: spec.get("queries_together") for method, spec in told_of.items()}
            # All together is what specs do not mention, and running statistics know no groups.
            assert groups == {"ss-all": shot, "ft-all": 1, "ft-last": None, "ss-last": None, "ft-head": None}
            assert len({json.dumps(spec["validation"]) for spec in told_of.values()}) == 1
    assert experiment.jobs.with_query("{query}")(wildcards(method="ss-all")) == "15"


def test_the_episodes_that_select_are_those_of_select_on(config):
    """The rule's input and the numbers that the stage expects follow; evaluation still chooses steps on validation."""
    config["episodes"] = {"query": 15, "validation": 500, "test": 700}
    config["overrides"].append({"when": {"method": "ss-all", "shot": 5}, "meta_train": {"select_on": "test"}})
    experiment = load(config, ROOT)
    expected = [("ss-all", "5", "test", 700), ("ss-all", "1", "val", 500), ("ft-all", "5", "val", 500)]
    for method, shot, split, count in expected:
        names = {"method": method, "shot": shot}
        assert experiment.jobs.selecting("{shot}/{split}-{query}")(wildcards(**names)) == f"{{shot}}/{split}-15"
        assert spec(experiment, "meta_train", **names).validation.count == count
        assert spec(experiment, "evaluate", **names).validation.count == 500
    assert "best on test" in experiment.reports.table("table1")
    config["overrides"].append({"when": {}, "meta_train": {"selected_iteration": "last"}})
    assert "best on" not in load(config, ROOT).reports.table("table1")


def test_the_last_iteration_can_be_selected_by_name(config):
    config["meta_train"]["selected_iteration"] = "last"
    meta_train = spec(load(config, ROOT), "meta_train").meta_train
    assert (meta_train.selected_iteration, meta_train.fixed_iteration) == ("last", meta_train.iterations)


def test_what_a_config_does_not_say_is_as_in_the_packaged_one(config):
    experiment = load({"shots": [1], "methods": ["linear"], "pretrain": {"iterations": 7}}, ROOT)
    assert [cell.shot for cell in experiment.grid.cells] == [1]
    assert spec(experiment, "pretrain").pretrain.iterations == 7
    assert spec(experiment, "pretrain").pretrain.batch_size == config["pretrain"]["batch_size"]
