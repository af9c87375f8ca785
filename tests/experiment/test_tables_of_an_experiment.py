"""Which cells the tables and claims of an experiment have."""

import json

from mtl.experiment.cell import Cell
from mtl.experiment.load import checked_experiment, load
from mtl.experiment.project import Project
from tests.helpers.experiments import content_of
from tests.helpers.learners import ROOT


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
