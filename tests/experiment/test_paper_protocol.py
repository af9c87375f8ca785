"""Which runs are judged against the printed numbers, and what the verdict on the others says."""

import copy
import csv
import dataclasses

import pytest

from mtl.experiment.cell import Cell
from mtl.experiment.paper_protocol import Difference, PaperProtocol, _mean_rate, in_full, other
from mtl.experiment.project import Project, extended
from mtl.learners.base_learner import mean_rate
from mtl.specs.checking import checked
from mtl.specs.inner_steps import InnerRate
from mtl.specs.published_protocol import Protocol
from tests.helpers.learners import CONFIG, ROOT
from tests.helpers.protocol import FACTS, METHODS, PROTOCOL, compared, differing, paper, with_override

SS = Cell("miniimagenet", "resnet12", 0, "ss-all-ht", 5, 1)
LINEAR = dataclasses.replace(SS, method="linear")
MAML = Cell("miniimagenet", "conv4", 0, "maml", 5, 1)


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
