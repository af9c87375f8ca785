"""The config: what is accepted, what is refused and how, and which spec a value reaches."""

import copy
import json
import shutil
from types import SimpleNamespace

import pytest
import yaml
from snakemake.utils import update_config

from mtl.data.layouts import LAYOUTS
from mtl.data.registry import sources_of
from mtl.job_specs import JobSpecs
from mtl.layouts import Layouts
from mtl.load import checked_plan, load, read_yaml
from mtl.networks import BACKBONES
from mtl.runtime.errors import UserError
from mtl.schemas.reference import reference
from mtl.spec import (
    EpisodesSpec,
    EvaluateSpec,
    MetaTrainSpec,
    PrepareSpec,
    PretrainSpec,
    from_json,
)
from tests.conftest import ROOT

CONFIG = ROOT / "config"


@pytest.fixture
def config():
    return read_yaml(CONFIG / "config.yaml")


@pytest.fixture
def others():
    return [read_yaml(CONFIG / f"{name}.yaml") for name in ("methods", "datasets", "tables")]


def wildcards(**changed):
    values = {"dataset": "glyphs", "backbone": "resnet12", "seed": "0", "method": "ss-all-ht", "way": "5", "shot": "1"}
    return SimpleNamespace(**{**values, "split": "test", "query": "15", "size": "32", **changed})


def put(config, path, value):
    *parents, last = path.split(".")
    for parent in parents:
        config = config[parent]
    config[last] = value


def test_the_default_experiment_has_eleven_methods_at_two_shots(config):
    cells = list(load(config, CONFIG)[0].cells())
    assert len(cells) == len(set(cells)) == 22
    assert {cell.shot for cell in cells} == {1, 5}
    assert len({cell.method for cell in cells}) == 11


@pytest.mark.parametrize("name", [path.stem for path in CONFIG.glob("*-cpu.yaml")])
def test_every_other_experiment_extends_the_default_one(config, name):
    update_config(config, read_yaml(CONFIG / f"{name}.yaml"))
    plan, _ = load(config, CONFIG)
    assert {cell.dataset for cell in plan.cells()} == {"miniimagenet"}
    assert config["pathvars"]["results"] == f"results/{name}"
    for cell in plan.cells():
        from_json(EvaluateSpec, JobSpecs(plan).evaluate(wildcards(**{k: str(v) for k, v in vars(cell).items()})))


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
        {"when": {"shot": 5, "method": "ss-all"}, "base_learner": {"steps": 70}},
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


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("meta_train.iteratons", 3, "config.yaml: meta_train.iteratons: unknown key; did you mean 'iterations'?"),
        ("sedes", [0], "config/config.yaml: sedes: unknown key; did you mean 'seeds'?"),
        ("meta_train.learning_rate", "1e-3", "meta_train.learning_rate: '1e-3' is text, not a number; write 0.001"),
        ("way", "five", "config/config.yaml: way: 'five' is not of type integer"),
        ("datasets", ["glyhps"], "datasets: 'glyhps' is unknown; did you mean 'glyphs'?"),
        ("methods", ["ss-al"], "methods: 'ss-al' is unknown; did you mean 'ss-all'?"),
        ("backbones", ["resnet21"], "backbones[0]: 'resnet21' is not one of resnet12, conv4; did you mean 'resnet12'?"),
        ("way", 50, "way: 50 per task: glyphs has only 20 val classes"),
        ("shots", [190], "shots: 190 support and 15 query images per class (episodes.query), but glyphs has 200"),
        ("meta_train.query", 198, "shots: 5 support and 198 query images per class (meta_train.query)"),
        ("hard_tasks.tasks", 5, "hard_tasks.tasks: 5 (for glyphs/resnet12/seed0/ft-all-ht/5way-1shot) is not a mul"),
        ("pretrain.dropout", 1.5, "pretrain.dropout: 1.5 is greater than or equal to the maximum of 1"),
        ("seeds", [], "config/config.yaml: seeds: [] should be non-empty"),
        ("overrides", [{"when": {"metod": "x"}}], "overrides[0].when.metod: unknown key; did you mean 'method'?"),
        ("overrides", [{"when": {"method": "mtl"}}], "overrides[0].when.method: 'mtl' is unknown"),
        (
            "overrides",
            [{"when": {"shot": 5}, "width": 4}],
            "overrides[0].when.shot: Θ is shared by all methods and shots, so an override of width may only name",
        ),
        (
            "meta_train.iterations",
            1.0e4,
            "meta_train.iterations: 10000.0 is not a whole number; write it without",
        ),
        ("way", 5.0, "config/config.yaml: way: 5.0 is not a whole number"),
        (
            "hard_tasks.every",
            2,
            "hard_tasks.every: 2 meta-batches of 2 tasks (for glyphs/resnet12/seed0/ft-all-ht/",
        ),
        ("pretrain.batch_size", 20000, "pretrain.batch_size: 20000, but glyphs has 12000 training images"),
        ("pathvars.results", "my results", "pathvars.results: 'my results' does not match"),
        ("runtime.device", "gpu", "runtime.device: 'gpu' is not one of auto, cpu, cuda"),
    ],
)
def test_a_bad_value_is_one_line_that_names_file_and_key(config, others, path, value, message):
    put(config, path, value)
    with pytest.raises(UserError) as caught:
        checked_plan(config, *others)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named(config, others):
    del config["pretrain"]["dropout"]
    with pytest.raises(UserError, match=r"config/config\.yaml: pretrain\.dropout: missing"):
        checked_plan(config, *others)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modulate": "ss", "scope": "head"}, "ss-all.scope"),
        ({"learner": "maml"}, "ss-all"),
        ({"meta_batch": "none"}, "ss-all"),
        ({"meta_batch": "plane"}, "ss-all.meta_batch: 'plane' is not one of none, plain"),
    ],
)
def test_methods_that_make_no_sense_are_refused(config, others, change, message):
    methods = copy.deepcopy(others[0])
    methods["ss-all"].update(change)
    with pytest.raises(UserError, match=r"config/methods\.yaml") as caught:
        checked_plan(config, methods, *others[1:])
    assert message in str(caught.value)


def test_hard_settings_do_not_matter_without_hard_tasks(config, others):
    config["methods"], config["hard_tasks"]["tasks"] = ["ss-all"], 5
    checked_plan(config, *others)


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
        load(config, folder)
    assert message in str(caught.value)


def test_a_file_that_is_no_yaml_is_one_line(tmp_path):
    (tmp_path / "x.yaml").write_text("a: [1\nb: 2")
    with pytest.raises(UserError) as caught:
        read_yaml(tmp_path / "x.yaml")
    assert "x.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_config_readme_is_current_and_describes_every_key():
    page = reference()
    assert (CONFIG / "README.md").read_text(encoding="utf-8") == page, "mtl config-reference > config/README.md"
    assert not [line for line in page.splitlines() if line.endswith("|  |")], "a key has no description"
