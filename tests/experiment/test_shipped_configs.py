"""What the experiments in `config/` consist of."""

import csv
import json

import pytest

from mtl.experiment.load import load
from mtl.experiment.project import extended, read_yaml
from mtl.learners.base_learner import mean_rate
from tests.helpers.experiments import content_of, spec
from tests.helpers.learners import CONFIG, ROOT


def test_the_default_experiment_has_eleven_methods_at_two_shots(config):
    cells = load(config, ROOT).grid.cells
    assert len(cells) == len(set(cells)) == 22
    assert {cell.shot for cell in cells} == {1, 5}
    assert len({cell.method for cell in cells}) == 11


EXPERIMENTS = ["fc100-cpu", "miniimagenet-cpu", "paper", "paper-inductive", "quick"]


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


@pytest.mark.parametrize("name", ["miniimagenet", "fc100", "cifar-fs"])
def test_every_dataset_has_sources_that_can_be_checked(config, name):
    config["datasets"] = [name]
    sources = load(config, ROOT).grid.datasets[name].sources
    files = [file for source in sources for file in source.files]
    assert any(file.urls for file in files)
    assert all(file.checksum for file in files if file.urls)


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


def test_the_survey_of_miniimagenet_takes_cells_as_its_experiment_makes_them():
    first, second = (read_yaml(CONFIG / f"miniimagenet-{name}.yaml") for name in ("cpu", "survey"))
    experiments = [load(content, ROOT) for content in (first, extended(first, second))]
    ours, theirs = (set(experiment.grid.cells) for experiment in experiments)
    assert len(ours & theirs) > 10
    for cell in ours & theirs:
        asked = [experiment.jobs.asked(cell) for experiment in experiments]
        assert asked[0] == asked[1], cell.folder


def test_make_quick_shows_cells_of_its_config(config):
    quick = load(content_of(config, "quick"), ROOT)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (cell,) = {cell.pretraining for cell in quick.grid.cells}
    assert f"QUICK := {quick.grid.config.pathvars.results}/{cell}\n" in makefile
    assert "mtl show $(QUICK)/ss-all/5way-1shot\n" in makefile
    assert "mtl compare $(QUICK)/{ss-all,linear}/5way-1shot " in makefile
    assert {(cell.method, cell.way, cell.shot) for cell in quick.grid.cells} == {("ss-all", 5, 1), ("linear", 5, 1)}
