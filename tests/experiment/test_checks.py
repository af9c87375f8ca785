"""What is refused in the files under config/, and how."""

import copy
import datetime
import shutil

import pytest
import yaml

from mtl.experiment.load import checked_experiment, load
from mtl.experiment.project import Project, read_yaml
from mtl.runtime.errors import UserError
from mtl.runtime.extensions import extensions
from tests.helpers.learners import CONFIG, ROOT, put


def checked(config, others, **changed):
    """Checks the contents of all files."""
    return checked_experiment(Project(ROOT), config, {**others, **changed}, "config/config.yaml")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("meta_train.iteratons", 3, "config.yaml: meta_train.iteratons: unknown key; did you mean 'iterations'?"),
        ("sedes", [0], "config/config.yaml: sedes: unknown key; did you mean 'seeds'?"),
        ("meta_train.learning_rate", "1e-3", "meta_train.learning_rate: '1e-3' is text, not a number; write 0.001"),
        ("seeds", ["0"], "config/config.yaml: seeds[0]: '0' is text, not a number; write 0 without quotes (on the co"),
        ("ways", ["five"], "config/config.yaml: ways[0]: 'five' is not a whole number"),
        ("ways", [1], "config/config.yaml: ways[0]: 1 must be greater than or equal to 2"),
        ("ways", 5, "config/config.yaml: ways: 5 is not a list"),
        ("way", 5, "config/config.yaml: way: unknown key; did you mean 'ways'?"),
        ("datasets", ["glyhps"], "datasets: 'glyhps' is unknown; did you mean 'glyphs'?"),
        ("methods", ["ss-al"], "methods: 'ss-al' is unknown; did you mean 'ss-all'?"),
        (
            "backbones",
            ["resnet21"],
            "backbones[0]: 'resnet21' is not one of conv4, resnet12, transformer; did you mean",
        ),
        ("ways", [5, 50], "config/config.yaml: ways: 50 classes per task, but glyphs has only 20 val classes"),
        (
            "grids",
            [{}, {"ways": [50]}],
            "config/config.yaml: grids[1].ways: 50 classes per task, but glyphs has only 20",
        ),
        ("shots", [190], "shots: 190 support and 15 query images per class (episodes.query), but glyphs has 200"),
        ("meta_train.query", 198, "shots: 5 support and 198 query images per class (meta_train.query)"),
        ("hard_tasks.tasks", 5, "hard_tasks.tasks: 5 (for glyphs/resnet12/seed0/ft-all-ht/5way-1shot) is not a mul"),
        ("pretrain.dropout", 1.5, "pretrain.dropout: 1.5 must be less than 1"),
        ("seeds", [], "config/config.yaml: seeds: [] has fewer than 1 items"),
        ("overrides", [{"when": {"metod": "x"}}], "overrides[0].when.metod: unknown key; did you mean 'method'?"),
        ("overrides", [{"when": {"method": ["ss-all", "mtl"]}}], "overrides[0].when.method: 'mtl' is unknown"),
        (
            "overrides",
            [{"when": {"shot": 5}, "width": 4}],
            "overrides[0].when.shot: Θ is shared by all methods, ways and shots, so an override of width may only name",
        ),
        (
            "meta_train.iterations",
            1.0e4,
            "meta_train.iterations: 10000.0 is not a whole number; write it without",
        ),
        ("ways", [5.0], "config/config.yaml: ways[0]: 5.0 is not a whole number"),
        (
            "hard_tasks.every",
            2,
            "hard_tasks.every: 2 meta-batches of 2 tasks (for glyphs/resnet12/seed0/ft-all-ht/",
        ),
        ("pretrain.batch_size", 20000, "pretrain.batch_size: 20000, but glyphs has 12000 training images"),
        ("grids", [{"methods": ["ss-al"]}], "grids[0].methods: 'ss-al' is unknown; did you mean 'ss-all'?"),
        ("episodes.query", "shots", "config/config.yaml: episodes.query: 'shots' is neither a whole number nor shot"),
        ("meta_train.selected_iteration", 301, "meta_train.selected_iteration: 301 (for glyphs/resnet12/seed0/ft-he"),
        ("meta_train.selected_iteration", "lst", "selected_iteration: 'lst' is neither a whole number nor last"),
        ("meta_train.selected_iteration", 0, "meta_train.selected_iteration: 0 must be greater than or equal to 1"),
        ("meta_train.select_on", "val", "meta_train.select_on: 'val' is not one of validation, test"),
        ("meta_train.snapshots", [0, 400], "meta_train.snapshots: 400 (for glyphs/resnet12/seed0/ss-all/5way-1shot)"),
        ("pathvars.results", "my results", "pathvars.results: 'my results' does not match"),
        ("seeds", [0, 0], "config/config.yaml: seeds: [0, 0] holds 0 twice"),
        ("pretrain", None, "config/config.yaml: pretrain: None is not a mapping"),
        (
            "overrides",
            [{"when": {"shot": 5}, "hard_tasks": {"task": 4}}],
            "overrides[0].hard_tasks.task: unknown key; did",
        ),
        ("overrides", [{"width": 4}], "overrides[0].when: missing"),
        ("overrides", [{"when": {"shot": [1, "x"]}}], "overrides[0].when.shot[1]: 'x' is not a whole number"),
        ("episodes.query", 0, "config/config.yaml: episodes.query: 0 must be greater than or equal to 1"),
        ("meta_train.learning_rate", float("nan"), "meta_train.learning_rate: nan must be a finite number"),
        ("note", datetime.date(2020, 1, 1), "note: datetime.date(2020, 1, 1) is a date; if it is text, write it in"),
        ("seeds", {0}, "config/config.yaml: seeds: {0} is a set"),
        ("ways", [10**30], "config/config.yaml: ways: "),
        ("runtime", {"device": "cpu", 1: "x"}, "runtime.1: the key is not text; write it in quotes"),
        ("runtime.device", "gpu", "runtime.device: 'gpu' is not one of auto, cpu, cuda"),
    ],
)
def test_a_bad_value_is_one_line_that_names_file_and_key(config, others, path, value, message):
    put(config, path, value)
    with pytest.raises(UserError) as caught:
        checked(config, others)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hard_tasks_need_as_many_failures_as_the_most_ways_of_a_cell(config, others):
    config["grids"] = [{}, {"ways": [20], "methods": ["ss-all"]}, {"ways": [15, 20], "methods": ["ss-all-ht"]}]
    config["hard_tasks"]["every"] = 9
    with pytest.raises(UserError, match=r"hard_tasks\.every: 9 .*ss-all-ht/20way-1shot\) can never fail in the 20"):
        checked(config, others)
    config["overrides"].append({"when": {"way": 20}, "hard_tasks": {"every": 40}})
    checked(config, others)


@pytest.mark.parametrize(
    ("method", "together", "message"),
    [
        ("linear", 4, "queries_together: 4 (for glyphs/resnet12/seed0/linear/5way-1shot) does not divide the 15 query"),
        ("linear", 0, "overrides[4].queries_together: 0 must be greater than or equal to 1"),
        ("update-all", "shot", "but the learner 'maml' can only take all queries of a task together; write all for up"),
    ],
)
def test_queries_are_in_groups_of_one_size_and_of_learners_that_can(config, others, method, together, message):
    config["overrides"].append({"when": {"method": method}, "queries_together": together})
    if together:
        checked(config, others)  # under running statistics groups mean nothing
    config["batch_norm"] = "episode"
    with pytest.raises(UserError) as caught:
        checked(config, others)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("method", "way", "message"),
    [
        (
            "prototypes-ss",
            61,
            "meta_train.way: 61 classes per task (for glyphs/resnet12/seed0/prototypes-ss/5way-1shot)",
        ),
        ("ss-all", 30, "but what the learner 'meta_transfer' learns is for one number of classes; write null or 5"),
    ],
)
def test_training_tasks_may_have_as_many_classes_as_there_are_and_as_the_learner_can(
    config, others, method, way, message
):
    config["methods"] = ["prototypes-ss", "ss-all"]
    config["overrides"].append({"when": {"method": method}, "meta_train": {"way": 5}})
    checked(config, others)
    config["overrides"][-1]["meta_train"]["way"] = way
    with pytest.raises(UserError) as caught:
        checked(config, others)
    assert message in str(caught.value)


def test_a_missing_key_is_named(config, others):
    del config["pretrain"]["dropout"]
    with pytest.raises(UserError, match=r"config/config\.yaml: pretrain\.dropout: missing"):
        checked(config, others)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modulate": "ss", "scope": "head"}, "ss-all.scope: 'head' does not go with modulate 'ss'"),
        ({"learner": "maml"}, "ss-all.modulate: 'ss' is not for the learner 'maml'; leave the key out"),
        ({"learner": "mamal"}, "did you mean 'maml'?"),
        ({"options": {"penalty": 1.0}}, "ss-all.options: {'penalty': 1.0} has 'penalty', but the learner 'meta_transf"),
        (
            {"meta_batch": "none"},
            "ss-all.theta_init: 'meta-learned' does not go with meta_batch 'none'; write random or",
        ),
        ({"meta_batch": "none", "theta_init": "zero"}, "ss-all.modulate: 'ss' changes Θ by meta-training"),
        ({"theta_init": None}, "ss-all.theta_init: None does not go with meta_batch 'plain'; write meta-learned"),
        ({"pretrained": False}, "ss-all.modulate: 'ss' freezes random weights"),
        ({"shift": "behind"}, "ss-all.shift: 'behind' is not one of before, after"),
        ({"modulate": "ft", "scale": "filter"}, "ss-all.scale: 'filter' does not go with modulate 'ft'; leave the key"),
        ({"modulate": "ft", "shift": "after"}, "ss-all.shift: 'after' does not go with modulate 'ft'; leave the key"),
        ({"meta_batch": "plane"}, "ss-all.meta_batch: 'plane' is not one of none, plain"),
    ],
)
def test_methods_that_make_no_sense_are_refused(config, others, change, message):
    methods = copy.deepcopy(others["methods"])
    methods["ss-all"].update(change)
    with pytest.raises(UserError, match=r"config/methods\.yaml") as caught:
        checked(config, others, methods=methods)
    assert message in str(caught.value)


def test_hard_settings_do_not_matter_without_hard_tasks(config, others):
    config["methods"], config["hard_tasks"]["tasks"] = ["ss-all"], 5
    checked(config, others)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "config/splits/gliphs.csv"}, "glyphs.split: there is no file config/splits/gliphs.csv"),
        (
            {"classes": {"train": 61, "val": 20, "test": 20}},
            "has {'train': 60, 'val': 20, 'test': 20}",
        ),
    ],
)
def test_a_class_list_that_is_not_there_or_has_other_counts_is_one_line(config, tmp_path, change, message):
    folder = shutil.copytree(CONFIG, tmp_path / "config")
    datasets = read_yaml(folder / "datasets.yaml")
    datasets["glyphs"].update(change)
    (folder / "datasets.yaml").write_text(yaml.safe_dump(datasets))
    with pytest.raises(UserError) as caught:
        load(config, tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("image", "promised", "message"),
    [
        ("{0}-2.png", 3, "config/datasets.yaml: birds.images_per_class: 3, but birds.csv lists 2 of class 'train0'"),
        ("{0}-2.gif", 2, "birds.csv: image 'train0-2.gif': ends in none of .bmp, .jpeg, .jpg, .png, .webp"),
        ("../{0}.png", 2, "birds.csv: line 3: image '../train0.png' is not the name of a folder or file, or the end"),
    ],
)
def test_a_list_of_images_is_checked_before_they_are_looked_for(config, tmp_path, image, promised, message):
    shutil.copytree(CONFIG, tmp_path / "config")
    classes = [(split, f"{split}{number}") for split in ("train", "val", "test") for number in range(5)]
    rows = [f"{split},{name},{one.format(name)}" for split, name in classes for one in ("{0}-1.png", image)]
    (tmp_path / "birds.csv").write_text("\n".join(["split,class,image", *rows]) + "\n")
    entry = {
        "title": "birds", "kind": "images", "split": "birds.csv", "classes": {"train": 5, "val": 5, "test": 5},
        "images_per_class": promised, "sources": [{"form": "images"}],
    }  # fmt: skip
    datasets = read_yaml(tmp_path / "config/datasets.yaml")
    (tmp_path / "config/datasets.yaml").write_text(yaml.safe_dump({**datasets, "birds": entry}))
    config.update(datasets=["birds"], shots=[1], episodes={"query": 1, "validation": 2, "test": 2})
    config["meta_train"]["query"] = 1
    config["pretrain"]["batch_size"] = 2
    with pytest.raises(UserError) as caught:
        load(config, tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["a: [1\nb: 2", "a: 2024-13-45", "a: 2001-01-01 25:00:00", "a: !!int x", "a: 0x_", f"a: {'1' * 5000}", "[" * 3000],
)
def test_a_file_that_is_no_yaml_is_one_line(tmp_path, text):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        read_yaml(tmp_path / "x.yaml")
    assert "x.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_holds_itself_is_one_line(config, others):
    config["runtime"] = config
    with pytest.raises(UserError, match="is nested too deeply, or holds itself"):
        checked(config, others)


def test_what_a_learner_says_of_itself_must_exist(config, others, monkeypatch):
    facts = {**extensions("learners"), "protonet": {"KEYS": ("scop",), "INNER_STEPS": False}}
    monkeypatch.setattr("mtl.experiment.method_rules.extensions", lambda room: facts)
    with pytest.raises(
        UserError, match=r"mtl/learners/protonet\.py: KEYS: 'scop' is none of modulate, scope, scale, shift, theta"
    ):
        checked(config, others)
