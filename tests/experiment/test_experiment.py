"""What an experiment consists of, and which spec a value of the config reaches."""

import copy
import csv
import dataclasses
import json
from types import SimpleNamespace

import pytest

from mtl.experiment.cell import Cell
from mtl.experiment.jobs import SPECS
from mtl.experiment.load import checked_experiment, load
from mtl.experiment.project import Project, extended, read_yaml
from mtl.learners.base_learner import mean_rate
from mtl.runtime.extensions import extensions
from mtl.specs.inner_steps import BaseLearner
from mtl.specs.meta_training import HardTasks, MetaTrain
from mtl.specs.pretraining import Pretrain
from mtl.specs.reading import from_json
from tests.helpers.learners import CONFIG, ROOT, put


def spec(experiment, stage, **names):
    """The spec of a job."""
    return from_json(SPECS[stage], experiment.jobs.spec(stage)(wildcards(**names)))


def told(experiment, stage, **names):
    """The spec of a job, as plain values."""
    return json.loads(experiment.jobs.spec(stage)(wildcards(**names)))


def wildcards(**changed):
    values = {"dataset": "glyphs", "backbone": "resnet12", "seed": "0", "method": "ss-all-ht", "way": "5", "shot": "1"}
    return SimpleNamespace(**{**values, "split": "test", "query": "15", "size": "32", **changed})


def test_the_default_experiment_has_eleven_methods_at_two_shots(config):
    cells = load(config, ROOT).grid.cells
    assert len(cells) == len(set(cells)) == 22
    assert {cell.shot for cell in cells} == {1, 5}
    assert len({cell.method for cell in cells}) == 11


EXPERIMENTS = ["fc100-cpu", "miniimagenet-cpu", "paper", "paper-inductive", "quick"]


def content_of(config, name):
    """The config of another experiment, which extends the default one."""
    return extended(config, read_yaml(CONFIG / f"{name}.yaml"))


@pytest.mark.parametrize(("name", "backbones"), [("survey", {"resnet12", "conv4"}), ("transformer", {"transformer"})])
def test_other_experiments_on_glyphs(config, name, backbones):
    experiment = load(content_of(config, name), ROOT)
    assert {(cell.dataset, cell.shot) for cell in experiment.grid.cells} == {("glyphs", 1)}
    assert {cell.backbone for cell in experiment.grid.cells} == backbones
    assert experiment.grid.config.pathvars.results == f"results/{name}"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_other_experiment_extends_the_default_one(config, name):
    experiment = load(content_of(config, name), ROOT)
    cells = experiment.grid.cells
    assert {cell.dataset for cell in cells} <= ({"glyphs"} if name == "quick" else {"miniimagenet", "fc100"})
    assert experiment.grid.config.pathvars.results == f"results/{name}"
    for cell in cells:
        names = {key: str(value) for key, value in vars(cell).items()}
        for stage in ("evaluate", "meta_train"):
            spec(experiment, stage, **names)
    for table in experiment.reports.tables():
        json.loads(experiment.reports.table(table))


def test_the_paper_config_has_every_printed_cell_whose_method_exists(config):
    experiment = load(content_of(config, "paper"), ROOT)
    grid, reports = experiment.grid, experiment.reports
    with (CONFIG / "published/tables.csv").open(encoding="utf-8") as file:
        printed = [line for line in csv.DictReader(file) if line["method"] in grid.methods]
    assert len(grid.cells) == len(set(grid.cells))
    for table in {*reports.tables()} - {"table4"}:  # the extension's, whose settings nobody knows
        wanted = {(c["method"], c["backbone"], c["dataset"], c["shot"]) for c in printed if c["table"] == table}
        planned = {(c.method, c.backbone, c.dataset, str(c.shot)) for c in reports.cells(table)}
        assert wanted
        assert wanted <= planned
    assert {cell.dataset for cell in grid.cells} == {"miniimagenet", "fc100"}
    pretrained = [cell for cell in grid.cells if grid.methods[cell.method].pretrained]
    assert len({(cell.dataset, cell.backbone, cell.seed) for cell in pretrained}) == 2


def test_the_papers_protocol_reaches_the_jobs(config):
    experiment = load(content_of(config, "paper"), ROOT)
    names = {"dataset": "miniimagenet", "shot": "5", "method": "ss-all"}
    evaluate = spec(experiment, "evaluate", **names)
    assert (evaluate.batch_norm, evaluate.flip_support, evaluate.test.query) == ("episode", False, 5)
    assert evaluate.base_learner.test_steps == [100]
    meta_train = spec(experiment, "meta_train", **names)
    assert (meta_train.batch_norm, meta_train.meta_train.selected_iteration) == ("episode", 14000)
    # 0.01 on the sum divided by the shots is 0.05 on the mean over 5 classes.
    assert mean_rate(meta_train.base_learner, way=5, mirrored=False) == pytest.approx(0.05)
    maml = spec(experiment, "evaluate", **{**names, "method": "maml", "backbone": "conv4"})
    assert (maml.batch_norm, maml.base_learner.test_steps) == ("episode", [10])
    assert mean_rate(maml.base_learner, way=5, mirrored=False) == pytest.approx(0.05)


def test_the_inductive_protocol_reaches_the_jobs(config):
    experiment = load(content_of(config, "paper-inductive"), ROOT)
    names = {"dataset": "miniimagenet", "shot": "5", "method": "ss-all"}
    evaluate = spec(experiment, "evaluate", **names)
    assert (evaluate.batch_norm, evaluate.test.query) == ("running", 15)
    assert evaluate.base_learner.test_steps == [20, 60, 100]
    meta_train = spec(experiment, "meta_train", **names)
    assert (meta_train.meta_train.selected_iteration, meta_train.base_learner.steps) == (None, 60)


def test_maml_takes_the_statistics_of_each_set_and_needs_no_pretraining(config):
    grid = load(config, ROOT).grid
    assert grid.settings(method="ss-all")["batch_norm"] == "running"
    assert grid.settings(method="maml")["batch_norm"] == "episode"
    assert not grid.methods["maml"].pretrained
    config["grids"].append({"backbones": ["conv4"], "methods": ["maml"]})
    experiment = load(config, ROOT)
    names = {"method": "maml", "backbone": "conv4"}
    assert spec(experiment, "meta_train", **names).base_learner.steps == 5
    assert spec(experiment, "evaluate", **names).base_learner.test_steps == [10]


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


def test_cells_that_were_made_alike_are_told_once(config):
    """Also those of other seeds, so that the command line of a table stays short."""
    config["seeds"] = [0, 1, 2]
    plan = json.loads(load(config, ROOT).reports.table("table1"))
    assert len(plan["cells"]) == 66
    assert len(plan["made"]) < 22
    assert set(plan["cells"].values()) == set(range(len(plan["made"])))


def test_claims_know_which_cells_were_made_as_the_papers_were(config):
    content = content_of(config, "paper")
    content["grids"].append({"ways": [10], "methods": ["ss-all"]})
    cells = json.loads(load(content, ROOT).reports.claims())["cells"]
    assert {Cell.in_folder(folder).way: judged for folder, judged in cells.items()} == {5: True, 10: False}


def test_every_cell_is_in_some_table(config):
    config["grids"].append({"backbones": ["conv4"], "methods": ["maml"]})
    experiment = load(config, ROOT)
    assert experiment.reports.cells("table1") == experiment.grid.cells
    assert experiment.reports.targets() == [
        "<results>/table1.csv",
        "<results>/claims.csv",
        "<results>/figures/figure4.png",
        "<results>/figures/tasks-seen.png",
        "<results>/figures/scales-and-shifts.png",
    ]


def test_a_table_on_request_is_no_target(config):
    config |= {"datasets": ["miniimagenet"], "methods": ["ss-all", "prototypes-ss"]}
    reports = load(config, ROOT).reports
    assert {cell.method for cell in reports.cells("table4")} == {"ss-all", "prototypes-ss"}
    assert "<results>/table4.csv" not in reports.targets()


def test_a_survey_shows_every_cell_and_whose_statistics_it_was_made_with(config):
    config |= {"methods": ["linear", "prototypes-ss", "ss-last"], "shots": [1], "batch_norm": "episode"}
    config["overrides"].append({"when": {"method": "ss-last"}, "batch_norm": "running"})
    del config["grids"]
    experiment = load(config, ROOT)
    plan = json.loads(experiment.surveys.plan("table2_measured"))
    assert [row["method"] for row in plan["rows"]] == ["linear", "prototypes-ss", "ss-last"]
    assert plan["rows"][1]["group"] == "metric learners on Θ"
    statistics = {Cell.in_folder(folder).method: value for folder, value in plan["cells"].items()}
    assert statistics == {
        "linear": "support and query apart", "prototypes-ss": "support and query together", "ss-last": "running",
    }  # fmt: skip
    files = experiment.surveys.files("table2_measured")
    assert sum(file.endswith("training.json") for file in files) == 2
    assert set(plan["asked"]) == {cell.folder for cell in experiment.grid.cells}


@pytest.mark.parametrize("name", ["miniimagenet", "fc100", "cifar-fs"])
def test_every_dataset_has_sources_that_can_be_checked(config, name):
    config["datasets"] = [name]
    sources = load(config, ROOT).grid.datasets[name].sources
    files = [file for source in sources for file in source.files]
    assert any(file.urls for file in files)
    assert all(file.checksum for file in files if file.urls)


def test_claims_know_which_of_their_methods_are_there(config):
    """Also those whose counterparts are not, so they have no cells to compare."""
    config["methods"] = ["linear", "ft-head", "ss-all"]
    plan = json.loads(load(config, ROOT).reports.claims())
    assert plan["methods"] == ["ft-head", "ss-all", "linear"]
    assert {Cell.in_folder(folder).method for folder in plan["cells"]} == {"ss-all", "linear"}


def test_every_selected_method_has_a_row_in_table_1(config):
    rows = json.loads(load(config, ROOT).reports.table("table1"))["rows"]
    assert sorted(row["method"] for row in rows) == sorted(config["methods"])


def test_a_method_that_no_group_lists_gets_a_row_of_its_own(config, others):
    others["tables"]["tables"]["table1"]["groups"][-1]["methods"].remove("linear")
    experiment = checked_experiment(Project(ROOT), config, others, "config.yaml")
    assert json.loads(experiment.reports.table("table1"))["rows"][-1] == {
        "group": "other methods",
        "row": "linear head, θ = 0",
        "method": "linear",
        "backbone": "resnet12",
        "extractor": "ResNet-12 (pre)",
    }


def test_every_spec_of_the_default_experiment_can_be_read(config):
    experiment = load(config, ROOT)
    for stage in ("prepare", "episodes", "pretrain"):
        spec(experiment, stage)
    for cell in experiment.grid.cells:
        for stage in ("meta_train", "evaluate", "curve"):
            spec(experiment, stage, method=cell.method, shot=str(cell.shot))


def test_demo_keeps_its_promises(config):
    """Full test episodes, at least 300 meta-batches and 10 hard phases, at most 10 steps for update-all."""
    experiment = load(config, ROOT)
    assert config["episodes"]["test"] == 600
    for shot in config["shots"]:
        hard = spec(experiment, "meta_train", shot=str(shot))
        cycle = hard.hard_tasks.every + hard.hard_tasks.tasks // hard.meta_train.tasks
        assert hard.meta_train.iterations >= 300
        assert hard.meta_train.iterations // cycle >= 10
        assert hard.hard_tasks.tasks == {1: 10, 5: 4}[shot]
        assert max(spec(experiment, "evaluate", method="update-all", shot=str(shot)).base_learner.test_steps) <= 10


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


def test_the_survey_of_miniimagenet_takes_cells_as_its_experiment_makes_them():
    first, second = (read_yaml(CONFIG / f"miniimagenet-{name}.yaml") for name in ("cpu", "survey"))
    experiments = [load(content, ROOT) for content in (first, extended(first, second))]
    ours, theirs = (set(experiment.grid.cells) for experiment in experiments)
    assert len(ours & theirs) > 10
    for cell in ours & theirs:
        asked = [experiment.jobs.asked(cell) for experiment in experiments]
        assert asked[0] == asked[1], cell.folder


def test_make_quick_shows_cells_of_its_config(config):
    quick = load(extended(config, read_yaml(CONFIG / "quick.yaml")), ROOT)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (cell,) = {cell.pretraining for cell in quick.grid.cells}
    assert f"QUICK := {quick.grid.config.pathvars.results}/{cell}\n" in makefile
    assert "mtl show $(QUICK)/ss-all/5way-1shot\n" in makefile
    assert "mtl compare $(QUICK)/{ss-all,linear}/5way-1shot " in makefile
    assert {(cell.method, cell.way, cell.shot) for cell in quick.grid.cells} == {("ss-all", 5, 1), ("linear", 5, 1)}
