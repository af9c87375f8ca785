"""The table of rates: validation decides, and the config must follow."""

import json

import pandas as pd
import pytest

from mtl.experiment.load import checked_experiment
from mtl.experiment.project import Project
from mtl.reporting.rates_table import not_chosen, write_rates
from mtl.runtime.errors import UserError
from tests.helpers.learners import ROOT
from tests.helpers.measured import cell

DATASETS = {"glyphs": {"title": "glyphs", "note": ""}}
REACHED = {
    # method, rate: selected iteration, validation and test accuracy
    ("ss-all", 0.001): (50, 61.0, 60.5),
    ("ss-all", 0.003): (100, 60.0, 62.25),
    ("ft-all", 0.001): (10, 40.0, 41.0),
    ("ft-all", 0.003): (20, 40.0, 39.0),
}
PAGE = """# Rates

## glyphs 1-shot

|  | 0.001 | 0.003 | config |
|---|---:|---:|---:|
| SS | **61.00** / 60.50 (50) | 60.00 / 62.25 (100) | 0.002 |
| FT | **40.00** / 41.00 (10) | 40.00 / 39.00 (20) | 0.002 |

Validation accuracy of the selected model / its test accuracy, in percent (the iteration of its selection). **The best \
on validation** is chosen; test accuracies choose nothing. `learning_rate_floor` is in proportion. Config: the rate \
that the experiment uses. Seed 0.
"""


def written(folder):
    lines = []
    for (method, rate), (iteration, validation, test) in REACHED.items():
        own = cell(f"{method}-at-{rate}")
        # The first one takes the trained model of another cell.
        trained = cell(method) if (method, rate) == ("ss-all", 0.001) else own
        for one in (own, trained):
            (folder / one.folder).mkdir(parents=True, exist_ok=True)
        training = {"selected_iteration": iteration, "validation_accuracy": validation}
        (folder / trained.folder / "training.json").write_text(json.dumps(training))
        (folder / own.folder / "evaluation.json").write_text(json.dumps({"accuracy": test, "ci95": 0.5}))
        lines.append(
            {
                "cell": own.folder, "method": method, "label": method[:2].upper(), "rate": rate, "floor": rate / 20,
                "config_rate": 0.002, "trained_in": trained.folder,
            }
        )  # fmt: skip
    plan = {"title": "Rates", "note": "", "datasets": DATASETS, "lines": lines, "asked": {}}
    (folder / "plan.json").write_text(json.dumps(plan))
    write_rates(json.dumps(plan), folder, folder / "rates.csv", folder / "rates.md")
    return pd.read_csv(folder / "rates.csv")


def test_the_best_on_validation_is_marked_and_the_lower_rate_in_a_tie(tmp_path):
    table = written(tmp_path)
    assert table["best"].tolist() == [True, False, True, False]
    assert table["selected_iteration"].tolist() == [50, 100, 10, 20]
    assert table["floor"].tolist() == pytest.approx([5e-5, 1.5e-4, 5e-5, 1.5e-4])
    assert (tmp_path / "rates.md").read_text(encoding="utf-8") == PAGE


def test_a_rate_that_is_not_there_is_said_and_not_chosen(tmp_path):
    written(tmp_path)
    (tmp_path / cell("ft-all-at-0.001").folder / "evaluation.json").unlink()
    plan = (tmp_path / "plan.json").read_text()
    write_rates(plan, tmp_path, tmp_path / "rates.csv", tmp_path / "rates.md")
    assert pd.read_csv(tmp_path / "rates.csv")["best"].tolist() == [True, False, False, True]
    assert "| FT | not-run | **40.00** / 39.00 (20) | 0.002 |" in (tmp_path / "rates.md").read_text(encoding="utf-8")


def test_a_config_must_name_the_rates_that_were_chosen(tmp_path, config, others):
    written(tmp_path)
    config["methods"] = ["ss-all", "linear", "ft-all"]

    def problems(**overrides):
        config["overrides"] = [
            {"when": {"method": name.replace("_", "-")}, "meta_train": {"learning_rate": rate}}
            for name, rate in overrides.items()
        ]
        experiment = checked_experiment(Project(ROOT), config, others, "config/config.yaml")
        return not_chosen(tmp_path / "rates.csv", experiment.grid)

    assert problems(ss_all=0.001, ft_all=0.001) == []
    assert problems(ss_all=0.001, ft_all=0.003) == [
        "glyphs/resnet12/seed0/ft-all/5way-1shot: the rate is 0.003, but rates.csv chose 0.001"
    ]
    config["methods"].append("ss-last")
    assert problems(ss_all=0.001, ft_all=0.001) == [
        "glyphs/resnet12/seed0/ss-last/5way-1shot: the rate is 0.002, but rates.csv has none"
    ]


def test_no_rates_are_one_line(tmp_path):
    plan = {"title": "Rates", "note": "", "datasets": DATASETS, "lines": [], "asked": {}}
    with pytest.raises(UserError, match=r"rates: is empty.*write rates: \[1\.0e-4"):
        write_rates(json.dumps(plan), tmp_path, tmp_path / "r.csv", tmp_path / "r.md")
