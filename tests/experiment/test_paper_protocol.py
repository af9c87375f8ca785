"""Which runs are judged against the printed numbers, and what the verdict on the others says."""

import copy
import csv
import dataclasses
import typing

import pytest

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid
from mtl.experiment.paper_protocol import Difference, PaperProtocol, _below, _mean_rate, in_full, other
from mtl.experiment.project import Project, extended, read_yaml
from mtl.learners.base_learner import mean_rate
from mtl.specs.checking import checked
from mtl.specs.config import CellSettings, Config
from mtl.specs.datasets import DatasetEntry, DatasetFile
from mtl.specs.inner_steps import InnerRate
from mtl.specs.methods import MethodFile, MethodRow
from mtl.specs.published_protocol import Protocol
from tests.helpers.learners import CONFIG, ROOT

FACTS = read_yaml(CONFIG / "published/protocol.yaml")
PROTOCOL = checked(Protocol, FACTS, "protocol.yaml")
METHODS = checked(MethodFile, read_yaml(CONFIG / "methods.yaml"), "methods.yaml")
DATASETS = checked(DatasetFile, read_yaml(CONFIG / "datasets.yaml"), "datasets.yaml")
DECISIVE = {**FACTS["decides"]["scale"], **FACTS["decides"]["protocol"]}
NOTHING = FACTS["decides"]["nothing"]
SS = Cell("miniimagenet", "resnet12", 0, "ss-all-ht", 5, 1)
LINEAR = dataclasses.replace(SS, method="linear")
MAML = Cell("miniimagenet", "conv4", 0, "maml", 5, 1)


def keys_of(kind, prefix=""):
    """All keys of a declaration, as `section.key`."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from keys_of(hints[field.name], f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


OF_CELLS = set(keys_of(CellSettings))
KEYS = [*keys_of(Config), "way", *keys_of(MethodRow, "method."), *keys_of(DatasetEntry, "dataset.")]


def paper(name="paper"):
    """The content of a preset, with what it takes from the default experiment."""
    return extended(read_yaml(CONFIG / "config.yaml"), read_yaml(CONFIG / f"{name}.yaml"))


def compared(content):
    """Cells, and the comparison of each with what is printed. Nothing checks whether they can run."""
    grid = Grid(content, checked(Config, content, "config.yaml"), dict(METHODS), dict(DATASETS))
    return grid, PaperProtocol(grid, Project(ROOT), PROTOCOL, FACTS["made_with"])


def differing(content, cell):
    return compared(content)[1].differences(cell)


def with_override(content, **settings):
    """A config whose last override is for all cells."""
    return {**content, "overrides": [*content["overrides"], {"when": {}, **settings}]}


def test_all_cells_of_the_papers_config_are_judged():
    grid, protocol = compared(paper())
    with (CONFIG / "published/tables.csv").open(encoding="utf-8") as file:
        # Nobody knows the settings of table 4, which is the extension's.
        printed = [
            line for line in csv.DictReader(file) if line["method"] in grid.methods and line["table"] != "table4"
        ]
    cells = [Cell(p["dataset"], p["backbone"], 0, p["method"], int(p["way"]), int(p["shot"])) for p in printed]
    assert set(cells) <= set(grid.cells)
    assert {cell.folder: protocol.differences(cell) for cell in grid.cells} == {c.folder: [] for c in grid.cells}


def test_every_key_decides_something_or_nothing_and_no_other_is_named():
    """A new key must be put into config/published/protocol.yaml."""
    for key in KEYS:
        assert _below(key, [*DECISIVE, *NOTHING]), f"{key}: write into config/published/protocol.yaml what it decides"
    for name in (*DECISIVE, *NOTHING, *FACTS["shown"]):
        assert any(_below(key, [name]) for key in KEYS), f"config/published/protocol.yaml: there is no key {name}"
    assert not set(DECISIVE) & set(NOTHING)


# Values that cannot be derived from the type: they must name something that exists.
NAMES = {
    "method.learner": "fomaml",
    "dataset.split": "config/splits/glyphs.csv",
    "base_learner.reduction": "mean",
}
# These matter only if validation chooses the model, which is a difference of its own.
OF_SELECTION = {"meta_train.iterations", "meta_train.validate_every"}


def absurd(value):
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return "absurd"
    if isinstance(value, list | dict):
        return {"absurd": 1.0} if value == {} else type(value)()
    return 7 if value is None else value * 50 + 1


def replaced(kept, path, change):
    """A dataclass with another value of a key within it."""
    name, _, rest = path.partition(".")
    value = getattr(kept, name)
    return dataclasses.replace(kept, **{name: replaced(value, rest, change) if rest else change(value)})


def value_at(content, path):
    for name in path.split("."):
        content = content[name]
    return content


def with_absurd(key):
    """The paper's config with one absurd value, wherever that key stands."""
    content = copy.deepcopy(paper())
    grid, protocol = compared(content)
    section, _, name = key.partition(".")
    change = (lambda _: NAMES[key]) if key in NAMES else absurd
    if key == "way":
        grid.cells = [dataclasses.replace(cell, way=7) for cell in grid.cells]
    elif section == "method":
        for method, row in grid.methods.items():
            grid.methods[method] = replaced(row, name, change)
    elif section == "dataset":
        for dataset, entry in grid.datasets.items():
            grid.datasets[dataset] = replaced(entry, name, change)
    elif key in OF_CELLS:
        if key in OF_SELECTION:
            grid.overrides = [*grid.overrides, {"when": {}, "meta_train": {"selected_iteration": None}}]
        settings = change(value_at(dataclasses.asdict(grid.config), key))
        for part in reversed(key.split(".")):
            settings = {part: settings}
        grid.overrides = [*grid.overrides, {"when": {}, **settings}]
    else:
        grid.config = replaced(grid.config, key, change)
    return grid, protocol


@pytest.mark.parametrize("key", [key for key in KEYS if not _below(key, NOTHING)])
def test_no_number_is_judged_that_was_made_with_an_absurd_value(key):
    grid, protocol = with_absurd(key)
    named = {cell: {one.key for one in protocol.differences(cell)} for cell in grid.cells}
    differ = {cell for cell, keys in named.items() if any(_below(one, [key]) for one in keys)}
    assert differ
    # The others do not depend on that key.
    trained = {cell for cell in grid.cells if grid.methods[cell.method].meta_trained}
    hard = {cell for cell in grid.cells if grid.methods[cell.method].has_hard_tasks}
    depend = {
        "pretrain": {cell for cell in grid.cells if grid.methods[cell.method].pretrained},
        "meta_train": trained,
        "hard_tasks": hard,
        "base_learner.steps": trained,
        "base_learner.order": trained,
        "base_learner.reduction": {cell for cell in grid.cells if cell.method != "update-all"},
        # Without pre-training it is always `episode`.
        "batch_norm": {cell for cell in grid.cells if grid.methods[cell.method].pretrained},
        # All other rows take the model of one iteration, and as many steps.
        "episodes.validation": {cell for cell in grid.cells if cell.method == "update-all"},
    }
    above = key if key in depend else key.partition(".")[0]
    expected = depend.get(above, set(grid.cells))
    if key.startswith("method."):  # some rows have the absurd value
        assert differ <= expected
    else:
        assert differ == expected


@pytest.mark.parametrize("key", [key for key in KEYS if _below(key, NOTHING) and "." in key])
def test_what_decides_nothing_leaves_all_numbers_judged(key):
    grid, protocol = with_absurd(key)
    assert not any(protocol.differences(cell) for cell in grid.cells)


def test_the_list_of_classes_counts_not_its_place(tmp_path):
    grid, _ = compared(paper())
    lists = tmp_path / "lists"
    lists.mkdir()
    lines = (CONFIG / "splits/miniimagenet.csv").read_text().splitlines(keepends=True)
    for name, kept, judged in (("same", lines, True), ("other", [lines[0], *reversed(lines[1:])], False)):
        (lists / f"{name}.csv").write_text("".join(kept))
        entry = dataclasses.replace(grid.datasets["miniimagenet"], split=f"lists/{name}.csv")
        grid.datasets["miniimagenet"] = entry
        protocol = PaperProtocol(grid, Project(tmp_path), PROTOCOL, FACTS["made_with"])
        assert (not protocol.differences(SS)) == judged


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"batch_norm": "running"}, "other-protocol (running statistics)"),
        ({"image_size": 48}, "other-scale (48 px)"),
        ({"episodes": {"query": 15}}, "other-protocol (queries per class: 15)"),
        (
            {"image_size": 48, "batch_norm": "running"},
            "other-scale (48 px); other-protocol (running statistics)",
        ),
        ({"episodes": {"test": 2}}, "other-scale (2 test episodes)"),
        ({"base_learner": {"flip_support": True}}, "other-protocol (mirrored support: yes)"),
        ({"pretrain": {"flip": False, "dropout": 0.0}}, "other-protocol (other pre-training)"),
        (
            {"base_learner": {"steps": 0, "learning_rate": 50.0}, "meta_train": {"learning_rate": 1.0}},
            "other-protocol (inner rate 50.0, inner steps in training: 0, meta rate 1.0)",
        ),
    ],
)
def test_a_verdict_says_what_differs(change, expected):
    assert other(differing(extended(paper(), change), SS)) == expected


def test_scale_and_way_of_a_cell():
    content = with_override(paper(), width=24)
    assert other(differing({**content, "image_size": 48}, SS)) == "other-scale (48 px, width 24)"


def test_the_model_that_is_tested_decides():
    assert other(differing(with_override(paper(), meta_train={"selected_iteration": 1}), SS)) == (
        "other-protocol (model: iteration 1)"
    )
    chosen = with_override(paper(), meta_train={"selected_iteration": None, "iterations": 300})
    assert other(differing(chosen, SS)) == (
        "other-scale (300 meta-batches); other-protocol (model: best on validation, validated every 500)"
    )
    # What follows that iteration changes nothing.
    longer = with_override(paper(), meta_train={"iterations": 30000, "validate_every": 7})
    assert not differing(longer, SS)


def test_long_lists_end_with_how_many_more_there_are():
    content = extended(paper("miniimagenet-cpu"), {"seeds": [3]})
    assert other(differing(content, SS)) == (
        "other-scale (48 px, width 24, 3 more); "
        "other-protocol (queries per class: 15, model: best on validation, 7 more)"
    )


def test_words_that_several_keys_share_come_once():
    twice = [
        Difference(key, "1", "2", "protocol", "other pre-training") for key in ("pretrain.flip", "pretrain.dropout")
    ]
    assert other(twice) == "other-protocol (other pre-training)"
    assert in_full(twice) == "pretrain.flip: 1 (paper: 2); pretrain.dropout: 1 (paper: 2)"
    assert other([]) == in_full([]) == ""


def test_methods_without_meta_training_do_not_depend_on_it():
    content = with_override(paper(), meta_train={"learning_rate": 1.0, "tasks": 7}, hard_tasks={"tasks": 7})
    assert not differing(content, LINEAR)
    assert other(differing(content, SS)) == (
        "other-scale (meta-batches of 7 tasks); other-protocol (meta rate 1.0, other hard tasks)"
    )
    # But on the steps that follow.
    content = with_override(paper(), base_learner={"steps": 7, "test_steps": [5]})
    assert other(differing(content, LINEAR)) == "other-protocol (inner steps at test: 5)"


def test_maml_does_not_depend_on_pretraining_and_has_statistics_of_its_own():
    content = with_override({**paper(), "batch_norm": "running"}, pretrain={"iterations": 7})
    assert not differing(content, MAML)
    content = with_override(paper(), meta_train={"iterations": 1500, "selected_iteration": 1500})
    assert other(differing(content, MAML)) == "other-protocol (model: iteration 1500)"
    content = with_override(paper(), width=8)
    assert other(differing(content, MAML)) == "other-scale (width 8)"


def test_fc100_has_images_and_iterations_of_its_own():
    cell = dataclasses.replace(SS, dataset="fc100")
    assert not differing(paper(), cell)
    grid, protocol = compared(paper())
    grid.datasets["fc100"] = grid.datasets["miniimagenet"]
    assert other(protocol.differences(cell)) == "other-protocol (other images)"
    content = with_override(paper(), meta_train={"selected_iteration": 17000})
    assert not differing(content, SS)
    assert other(differing(content, cell)) == "other-protocol (model: iteration 17000)"


def test_equal_inner_steps_are_equal_however_they_are_written():
    same = with_override(paper(), base_learner={"learning_rate": 0.05, "reduction": "mean", "test_steps": [100]})
    assert not differing(same, SS)
    tenth = with_override(paper(), base_learner={"learning_rate": 0.005, "reduction": "mean", "test_steps": [100]})
    assert [one.key for one in differing(tenth, SS)] == ["base_learner.learning_rate", "base_learner.reduction"]
    for rate in (
        InnerRate(learning_rate=0.01, reduction="sum-over-shots"),
        InnerRate(learning_rate=2, reduction="mean"),
    ):
        values = {"base_learner.learning_rate": rate.learning_rate, "base_learner.reduction": rate.reduction}
        assert _mean_rate({**values, "way": 5}) == mean_rate(rate, way=5, mirrored=False)
    # As many queries as support images, by number.
    assert not differing(extended(paper(), {"episodes": {"query": 1}}), SS)


def test_a_key_that_nobody_put_into_the_facts_is_a_difference():
    facts = copy.deepcopy(FACTS)
    del facts["decides"]["protocol"]["batch_norm"], facts["made_with"][0]["batch_norm"]
    facts["shown"].remove("batch_norm")
    grid, _ = compared(paper())
    protocol = PaperProtocol(grid, Project(ROOT), checked(Protocol, facts, "p"), facts["made_with"])
    assert other(protocol.differences(SS)) == "other-protocol (batch_norm: episode)"
    assert in_full(protocol.differences(SS)) == "batch_norm: episode (paper: unknown)"


def test_other_ways_and_other_datasets_are_not_judged():
    content = paper()
    content["grids"].append({"ways": [10], "methods": ["ss-all-ht"]})
    assert other(differing(content, dataclasses.replace(SS, way=10))).startswith("other-protocol (10-way")
    glyphs = extended(paper(), {"datasets": ["glyphs"], "grids": [{}]})
    assert "other images" in other(differing(glyphs, dataclasses.replace(SS, dataset="glyphs")))


def test_what_was_run_is_told_in_words():
    _, protocol = compared(paper())
    told = [words.replace("{}", value) for words, value in protocol.shown(SS) if value]
    assert told == [
        "84 px",
        "width 64",
        "10000 pre-training batches",
        "queries per class: 1",
        "episode statistics",
        "model: iteration 17000",
        "inner steps at test: 100",
        "mirrored support: no",
    ]


def test_the_inductive_protocol_is_not_that_of_the_paper():
    grid, protocol = compared(paper("paper-inductive"))
    verdicts = {cell: other(protocol.differences(cell)) for cell in grid.cells}
    assert all("other-protocol" in verdict for verdict in verdicts.values())
    assert verdicts[SS] == "other-protocol (running statistics, queries per class: 15, 3 more)"
    assert verdicts[MAML] == "other-protocol (queries per class: 15, model: best on validation, validated every 2000)"


def test_methods_file_rows_are_those_that_the_facts_name():
    """So that a row that is changed is no longer judged."""
    grid, protocol = compared(paper())
    for name in [*grid.selected("method"), "fomaml"]:
        row = METHODS[name]
        cell = dataclasses.replace(SS if row.pretrained else MAML, method=name)
        assert not [one for one in protocol.differences(cell) if one.key.startswith("method.")], name
