"""What an experiment consists of, and which spec a value of the config reaches."""

import csv
import json
from types import SimpleNamespace

import pytest
from snakemake.utils import update_config

from mtl.cell import Cell
from mtl.data.layouts import LAYOUTS
from mtl.data.registry import sources_of
from mtl.job_specs import JobSpecs
from mtl.layouts import Layouts
from mtl.load import checked_plan, load, read_yaml
from mtl.networks import BACKBONES
from mtl.spec import (
    EpisodesSpec,
    EvaluateSpec,
    MetaTrainSpec,
    PrepareSpec,
    PretrainSpec,
    from_json,
)
from tests.conftest import CONFIG, put


def wildcards(**changed):
    values = {"dataset": "glyphs", "backbone": "resnet12", "seed": "0", "method": "ss-all-ht", "way": "5", "shot": "1"}
    return SimpleNamespace(**{**values, "split": "test", "query": "15", "size": "32", **changed})


def test_the_default_experiment_has_eleven_methods_at_two_shots(config):
    cells = list(load(config, CONFIG)[0].cells())
    assert len(cells) == len(set(cells)) == 22
    assert {cell.shot for cell in cells} == {1, 5}
    assert len({cell.method for cell in cells}) == 11


EXPERIMENTS = {
    "miniimagenet-cpu": ["miniimagenet-cpu"],
    "paper": ["paper"],
    "paper-authors": ["paper", "paper-authors"],
}


def extended(config, name):
    """The plan and layouts of another experiment, which extends the default one."""
    for file in EXPERIMENTS[name]:
        update_config(config, read_yaml(CONFIG / f"{file}.yaml"))
    return load(config, CONFIG)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_other_experiment_extends_the_default_one(config, name):
    plan, layouts = extended(config, name)
    assert {cell.dataset for cell in plan.cells()} <= {"miniimagenet", "fc100"}
    assert config["pathvars"]["results"] == f"results/{name}"
    for cell in plan.cells():
        names = wildcards(**{key: str(value) for key, value in vars(cell).items()})
        from_json(EvaluateSpec, JobSpecs(plan).evaluate(names))
        from_json(MetaTrainSpec, JobSpecs(plan).meta_train(names))
    for table in layouts.known_tables():
        json.loads(layouts.table(table))


def test_the_paper_config_has_every_printed_cell_whose_method_exists(config):
    plan, layouts = extended(config, "paper")
    with (CONFIG / "published/tables.csv").open(encoding="utf-8") as file:
        printed = [line for line in csv.DictReader(file) if line["method"] in plan.methods]
    cells = list(plan.cells())
    assert len(cells) == len(set(cells))
    for table in layouts.known_tables():
        wanted = {(c["method"], c["backbone"], c["dataset"], c["shot"]) for c in printed if c["table"] == table}
        planned = {(c.method, c.backbone, c.dataset, str(c.shot)) for c in layouts.cells(table)}
        assert wanted
        assert wanted <= planned
    assert {cell.dataset for cell in cells} == {"miniimagenet", "fc100"}
    assert len({(cell.dataset, cell.backbone, cell.seed) for cell in cells if plan.pretrained(cell.method)}) == 2
    assert all(plan.at_paper_scale(cell) for cell in cells)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("image_size", 42),
        ("width", 32),
        ("pretrain.iterations", 5000),
        ("pretrain.optimizer", "sgd-one-cycle"),
        ("meta_train.tasks", 1),
    ],
)
def test_a_smaller_run_is_not_at_the_papers_scale(config, path, value):
    extended(config, "paper")
    put(config, path, value)
    plan, _ = load(config, CONFIG)
    assert not plan.at_paper_scale(Cell("miniimagenet", "resnet12", 0, "ss-all", 5, 1))
    # What has no meta-training does not depend on its schedule.
    linear = plan.at_paper_scale(Cell("miniimagenet", "resnet12", 0, "linear", 5, 1))
    assert linear == path.startswith("meta_train")


def test_the_authors_protocol_reaches_the_jobs(config):
    plan, _ = extended(config, "paper-authors")
    specs, names = JobSpecs(plan), {"dataset": "miniimagenet", "shot": "5", "method": "ss-all"}
    evaluate = from_json(EvaluateSpec, specs.evaluate(wildcards(**names)))
    assert (evaluate.batch_norm, evaluate.flip_support, evaluate.test_steps) == ("episode", True, [100])
    meta_train = from_json(MetaTrainSpec, specs.meta_train(wildcards(**names)))
    assert (meta_train.batch_norm, meta_train.meta_train.selected_iteration) == ("episode", 14000)
    assert plan.query(5) == 5
    # 0.01 on the sum over the shots of 5 classes, with mirrored images at test twice that.
    assert meta_train.base_learner.learning_rate == pytest.approx(0.05)
    assert evaluate.learning_rate == pytest.approx(0.1)
    maml = from_json(EvaluateSpec, specs.evaluate(wildcards(**{**names, "method": "maml", "backbone": "conv4"})))
    assert (maml.batch_norm, maml.test_steps, maml.flip_support) == ("episode", [10], False)
    assert maml.learning_rate == pytest.approx(0.05)


def test_maml_takes_the_statistics_of_each_set_and_needs_no_pretraining(config):
    plan, _ = load(config, CONFIG)
    assert plan.batch_norm("ss-all") == "running"
    assert plan.batch_norm("maml") == "episode"
    assert not plan.pretrained("maml")
    config["grids"].append({"backbones": ["conv4"], "methods": ["maml"]})
    specs = JobSpecs(load(config, CONFIG)[0])
    names = wildcards(method="maml", backbone="conv4")
    assert from_json(MetaTrainSpec, specs.meta_train(names)).base_learner.steps == 5
    assert from_json(EvaluateSpec, specs.evaluate(names)).test_steps == [10]


def test_grids_add_cells_and_none_twice(config):
    config["grids"] = [{}, {"shots": [1, 10]}, {"backbones": ["conv4"], "methods": ["maml"], "shots": [1]}]
    cells = list(load(config, CONFIG)[0].cells())
    assert len(cells) == len(set(cells)) == 22 + 11 + 1
    assert cells[-1] == Cell("glyphs", "conv4", 0, "maml", 5, 1)


def test_every_cell_is_in_some_table(config):
    config["grids"].append({"backbones": ["conv4"], "methods": ["maml"]})
    plan, layouts = load(config, CONFIG)
    assert layouts.cells("table1") == plan.cells()
    assert layouts.targets() == [
        "<results>/table1.csv",
        "<results>/claims.csv",
        "<results>/figures/figure4.png",
        "<results>/figures/scale-shift.png",
    ]


@pytest.mark.parametrize("name", ["miniimagenet", "fc100", "cifar-fs"])
def test_every_dataset_has_sources_that_can_be_checked(config, name):
    config["datasets"] = [name]
    spec = sources_of(name, load(config, CONFIG)[0].datasets[name])
    files = [file for source in spec.sources for file in source.files]
    assert any(file.urls for file in files)
    assert all(file.checksum for file in files if file.urls)
    assert {source.layout for source in spec.sources} <= LAYOUTS.keys()


def test_every_selected_method_has_a_row_in_table_1(config):
    rows = json.loads(load(config, CONFIG)[1].table("table1"))["rows"]
    assert sorted(row["method"] for row in rows) == sorted(config["methods"])


def test_a_method_that_no_group_lists_gets_a_row_of_its_own(config, others):
    others[2]["tables"]["table1"]["groups"][-1]["methods"].remove("linear")
    rows = json.loads(Layouts(checked_plan(config, *others), []).table("table1"))["rows"]
    assert rows[-1] == {
        "group": "other methods", "row": "linear head, θ = 0", "method": "linear", "backbone": "resnet12",
        "extractor": "ResNet-12 (pre)",
    }  # fmt: skip


def test_every_spec_of_the_default_experiment_can_be_read(config):
    plan, _ = load(config, CONFIG)
    specs = JobSpecs(plan)
    from_json(PrepareSpec, specs.prepare(wildcards()))
    from_json(EpisodesSpec, specs.episodes(wildcards()))
    from_json(PretrainSpec, specs.pretrain(wildcards()))
    for cell in plan.cells():
        names = wildcards(method=cell.method, shot=str(cell.shot))
        from_json(MetaTrainSpec, specs.meta_train(names))
        from_json(EvaluateSpec, specs.evaluate(names))


def test_demo_keeps_its_promises(config):
    """Full test episodes, at least 300 meta-batches and 10 hard phases, at most 10 steps for update-all."""
    specs = JobSpecs(load(config, CONFIG)[0])
    assert config["episodes"]["test"] == 600
    for shot in config["shots"]:
        spec = from_json(MetaTrainSpec, specs.meta_train(wildcards(shot=str(shot))))
        cycle = spec.hard_tasks.every + spec.hard_tasks.tasks // spec.meta_train.tasks
        assert spec.meta_train.iterations >= 300
        assert spec.meta_train.iterations // cycle >= 10
        assert spec.hard_tasks.tasks == {1: 10, 5: 4}[shot]
        steps = from_json(EvaluateSpec, specs.evaluate(wildcards(method="update-all", shot=str(shot)))).test_steps
        assert max(steps) <= 10


def test_hard_task_settings_reach_only_methods_with_hard_tasks(config):
    specs = JobSpecs(load(config, CONFIG)[0])
    assert json.loads(specs.meta_train(wildcards(method="ss-all")))["hard_tasks"] is None
    assert json.loads(specs.meta_train(wildcards()))["hard_tasks"] == {"every": 10, "tasks": 10}


def test_later_overrides_win_and_touch_only_their_cells(config, others):
    config["overrides"] = [
        {"when": {"shot": 5}, "base_learner": {"steps": 60}},
        {"when": {"shot": 5, "method": ["ss-all", "linear"]}, "base_learner": {"steps": 70}},
        {"when": {"backbone": "conv4"}, "width": 4},
    ]
    specs = JobSpecs(checked_plan(config, *others))
    steps = {
        (method, shot): json.loads(specs.meta_train(wildcards(method=method, shot=shot)))["base_learner"]["steps"]
        for method in ("ss-all", "ft-all")
        for shot in ("1", "5")
    }
    assert steps == {("ss-all", "1"): 20, ("ss-all", "5"): 70, ("ft-all", "1"): 20, ("ft-all", "5"): 60}
    widths = {name: json.loads(specs.pretrain(wildcards(backbone=name)))["network"]["width"] for name in BACKBONES}
    assert widths == {"resnet12": config["width"], "conv4": 4}
