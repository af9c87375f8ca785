"""Variants of methods: their settings, whose training they share, and that nothing else knows of them."""

import copy
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mtl.experiment.cell import Cell
from mtl.experiment.load import checked_experiment
from mtl.experiment.project import Project
from mtl.experiment.variants import at_rate
from mtl.runtime.errors import UserError
from tests.helpers.learners import ROOT, put

CELL = Cell("glyphs", "resnet12", 0, "ss-all", 5, 1)
MIRRORED = {"label": "mirrored", "settings": {"base_learner": {"flip_support": True}}}


def loaded(config, others, **decisions):
    """The experiment with these decisions instead of the packaged ones."""
    content = {"base": "ss-all", "shots": [1], "decisions": decisions}
    return checked_experiment(Project(ROOT), config, {**others, "decisions": content}, "config/config.yaml")


def made_from(experiment, cell):
    """The trained model that an evaluation reads."""
    names = SimpleNamespace(**{name: str(value) for name, value in vars(cell).items()})
    return experiment.jobs.if_meta_trained("{method}/model")(names)


def test_a_variant_has_the_settings_of_its_base_after_all_overrides_and_then_its_own(config, others):
    config["overrides"] += [
        {"when": {"method": "ss-all"}, "base_learner": {"steps": 7, "learning_rate": 0.1}},
        {"when": {"method": "ss-all", "shot": 5}, "base_learner": {"test_steps": [3]}},
    ]
    grid = loaded(config, others, steps={"label": "x", "settings": {"base_learner": {"steps": 9}}}).grid
    one, five = (grid.settings_of(replace(CELL, method="ss-all-steps", shot=shot)) for shot in (1, 5))
    assert one["base_learner"]["steps"] == five["base_learner"]["steps"] == 9
    assert one["base_learner"]["learning_rate"] == 0.1
    assert five["base_learner"]["test_steps"] == [3]
    assert grid.settings_of(CELL)["base_learner"]["steps"] == 7


def test_an_override_can_name_no_variant(config, others):
    config["overrides"].append({"when": {"method": "ss-all-steps"}, "base_learner": {"steps": 7}})
    with pytest.raises(UserError, match="'ss-all-steps' is unknown"):
        loaded(config, others, steps={"label": "x", "settings": {"base_learner": {"steps": 9}}})


def test_no_other_report_and_no_other_job_knows_of_variants(config, others):
    config["rates"] = [1e-4, 1e-3]
    experiment, plain = loaded(config, others, mirrored=MIRRORED), loaded({**config, "rates": []}, others)
    assert experiment.grid.cells == plain.grid.cells
    for told in (
        lambda one: [one.jobs.asked(cell) for cell in one.grid.cells],
        lambda one: [one.reports.table(table) for table in one.reports.tables()],
        lambda one: [one.reports.figure(figure) for figure in one.reports.figures()],
        lambda one: one.reports.claims(),
        lambda one: one.reports.targets(),
        lambda one: one.inventory.manifest([], []),
    ):
        assert told(experiment) == told(plain)


def test_what_only_the_test_does_otherwise_is_not_trained_again(config, others):
    zero = {"label": "zero", "settings": {"meta_train": {"theta_start": "zero"}}}
    experiment = loaded(config, others, mirrored=MIRRORED, zero=zero)
    mirrored, zero = (replace(CELL, method=f"ss-all-{name}") for name in ("mirrored", "zero"))
    assert made_from(experiment, mirrored) == made_from(experiment, CELL) == "ss-all/model"
    assert made_from(experiment, zero) == "ss-all-zero/model"
    assert set(experiment.jobs.asked(mirrored)) == {"evaluate", "pretrain"}
    assert set(experiment.jobs.asked(zero)) == {"evaluate", "meta_train", "pretrain"}
    assert experiment.jobs.asked(mirrored)["pretrain"] == experiment.jobs.asked(CELL)["pretrain"]


def test_what_a_method_of_the_experiment_trains_is_not_trained_again(config, others):
    hard = {"label": "hard", "method": {"meta_batch": "hard"}}
    assert made_from(loaded(config, others, hard=hard), replace(CELL, method="ss-all-hard")) == "ss-all-ht/model"
    config["methods"] = ["ss-all"]
    assert made_from(loaded(config, others, hard=hard), replace(CELL, method="ss-all-hard")) == "ss-all-hard/model"


def test_a_variant_without_meta_training_has_no_trained_model(config, others):
    untrained = {
        "label": "untrained",
        "method": {"meta_batch": "none", "modulate": "none", "scope": "head", "theta_init": "zero"},
    }
    experiment = loaded(config, others, untrained=untrained)
    assert made_from(experiment, replace(CELL, method="ss-all-untrained")) == []
    [line] = json.loads(experiment.variant_reports.decisions())["lines"]
    assert not line["shared_model"]
    assert ["meta_batch", "plain", "none"] in line["changes"]


def test_a_decision_that_is_taken_anyway_is_named_and_not_run(config, others):
    mean = {"label": "a mean", "settings": {"base_learner": {"reduction": "mean"}}}
    # A method without hard tasks does not depend on their number.
    every = {"label": "every 7", "settings": {"hard_tasks": {"every": 7}}}
    reports = loaded(config, others, mean=mean, mirrored=MIRRORED, every=every).variant_reports
    plan = json.loads(reports.decisions())
    assert [line["decision"] for line in plan["lines"]] == ["mirrored"]
    assert plan["lines"][0]["changes"] == [["base_learner.flip_support", "false", "true"]]
    assert plan["without_effect"] == ["a mean", "every 7"]
    assert len(reports.decided_files()) == 4


def test_decisions_are_about_the_cells_of_their_base(config, others):
    config.update(seeds=[0, 1], grids=[{}, {"ways": [10], "methods": ["ss-all"]}])
    other = {**MIRRORED, "base": "ft-all"}
    plan = json.loads(loaded(config, others, mirrored=MIRRORED, other=other).variant_reports.decisions())
    assert [(line["variant"], len(line["pairs"])) for line in plan["lines"]] == [
        ("ss-all-mirrored", 2),
        ("ss-all-mirrored", 2),
        ("ft-all-other", 2),
    ]
    assert plan["lines"][1]["pairs"][1] == [
        f"glyphs/resnet12/seed1/{method}/10way-1shot" for method in ("ss-all", "ss-all-mirrored")
    ]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "decisions.x.settings.meta_train.quary",
            3,
            "decisions.x.settings.meta_train.quary: unknown key; did you mean",
        ),
        ("decisions.x.method", {"scop": "last"}, "decisions.x.method.scop: unknown key; did you mean 'scope'?"),
        ("decisions.x.settings.meta_train.query", 0, "decisions.x.settings.meta_train.query: 0 must be greater than"),
        ("decisions.x.method", {"scope": "head"}, "decisions.x.method.scope: 'head' does not go with modulate 'ss'"),
        (
            "decisions.x.settings",
            {"width": 3},
            "decisions.x.settings.width: Θ is shared by all methods, so no decision",
        ),
        ("decisions.x", {"label": "x"}, "decisions.x: changes nothing; give it `method` or `settings`"),
        ("decisions.x.base", "ss-al", "decisions.x.base: 'ss-al' is unknown; did you mean 'ss-all'?"),
        ("base", "ss-al", "config/decisions.yaml: base: 'ss-al' is unknown; did you mean 'ss-all'?"),
        ("decisions", {"ht": MIRRORED}, "config/decisions.yaml: 'ss-all-ht' would be the name of two methods; rename"),
        ("decisions", {"a/b": MIRRORED}, "config/decisions.yaml: decisions.a/b: 'a/b' does not match"),
        ("shots", [], "config/decisions.yaml: shots: [] has fewer than 1 items"),
    ],
)
def test_a_bad_decision_is_one_line_that_names_file_and_key(config, others, path, value, message):
    content = copy.deepcopy({"base": "ss-all", "decisions": {"x": {**MIRRORED, "settings": {"meta_train": {}}}}})
    put(content, path, value)
    with pytest.raises(UserError) as caught:
        checked_experiment(Project(ROOT), config, {**others, "decisions": content}, "config/config.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("config/decisions.yaml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rate", "name"), [(1e-3, "1e-3"), (0.0003, "3e-4"), (1.5e-4, "15e-5"), (1.0, "1e0"), (1e-05, "1e-5")]
)
def test_the_name_of_a_rate_has_no_point(rate, name):
    assert at_rate("maml", rate) == f"maml-at-{name}"


def test_the_floor_of_a_rate_scales_along(config, others):
    config["rates"] = [1e-3, 2e-3]
    experiment = loaded(config, others)
    rates = {
        name: experiment.grid.settings_of(replace(CELL, method=name))["meta_train"]
        for name in ("ss-all-at-1e-3", "ss-all-at-2e-3", "ft-all-at-1e-3")
    }
    assert {name: (one["learning_rate"], one["learning_rate_floor"]) for name, one in rates.items()} == {
        "ss-all-at-1e-3": (1e-3, 5e-5),
        "ss-all-at-2e-3": (2e-3, 1e-4),
        "ft-all-at-1e-3": (1e-3, 1e-4),
    }
    assert made_from(experiment, replace(CELL, method="ss-all-at-2e-3")) == "ss-all/model"
    assert made_from(experiment, replace(CELL, method="ss-all-at-1e-3")) == "ss-all-at-1e-3/model"


def test_rates_are_compared_for_the_first_seed_and_the_fewest_shots_of_meta_trained_methods(config, others):
    config.update(rates=[1e-3, 2e-3], seeds=[3, 1], shots=[5, 1], methods=["ss-all", "linear"])
    config["grids"] = [{}, {"ways": [10], "shots": [5], "methods": ["ft-all"], "seeds": [1]}]
    experiment = loaded(config, others)
    plan = json.loads(experiment.variant_reports.rates())
    assert [line["cell"] for line in plan["lines"]] == [
        "glyphs/resnet12/seed3/ss-all-at-1e-3/5way-1shot",
        "glyphs/resnet12/seed3/ss-all-at-2e-3/5way-1shot",
        "glyphs/resnet12/seed1/ft-all-at-1e-3/10way-5shot",
        "glyphs/resnet12/seed1/ft-all-at-2e-3/10way-5shot",
    ]
    assert [line["config_rate"] for line in plan["lines"]] == [2e-3, 2e-3, 1e-4, 1e-4]
    files = experiment.variant_reports.rate_files()
    assert "<results>/glyphs/resnet12/seed3/ss-all/5way-1shot/training.json" in files
    assert "<results>/glyphs/resnet12/seed3/ss-all-at-1e-3/5way-1shot/training.json" in files
