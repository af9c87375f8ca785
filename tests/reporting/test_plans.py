"""What was made with other settings than the config asks is in no report."""

import json

import pandas as pd
import pytest

from mtl.reporting.plans import current, read_plan
from mtl.reporting.tables import write_table
from mtl.runtime.errors import UserError
from mtl.specs.reading import digest_of
from tests.helpers.table import CELLS, PLAN, cell

EVALUATE, PRETRAIN = {"network": {"width": 64}}, {"seed": 0}
ASKED = {"evaluate": digest_of(EVALUATE), "pretrain": digest_of(PRETRAIN)}


@pytest.fixture
def made(results):
    """Records of all cells, as the config asks."""

    def write(path, spec):
        path.parent.mkdir(parents=True, exist_ok=True)
        images = {"path": str(results / "images.npy"), "sha256": "1" * 64}
        path.write_text(json.dumps({"provenance": {"spec": spec, "inputs": {"images": images}}}))

    for one in CELLS:
        write(results / one.folder / "evaluation.json", EVALUATE)
        write(results / one.pretraining / "pretrain/summary.json", PRETRAIN)
    return write


def plan(**changed):
    asked = {one.folder: {**ASKED, **changed} for one in CELLS}
    return json.dumps({**PLAN, "asked": asked})


def tabled(tmp_path, published, results, text):
    write_table(text, published, results, tmp_path / "logs", tmp_path / "t.csv", tmp_path / "t.md")
    return pd.read_csv(tmp_path / "t.csv").set_index(["method", "shot"])


def test_a_cell_that_was_made_as_asked_is_shown(tmp_path, published, results, made):
    table = tabled(tmp_path, published, results, plan())
    assert table.loc[("ss-all", 5), "accuracy"] == 90
    assert "stale" not in set(table["verdict"])


@pytest.mark.parametrize(("digest", "stale"), [("1", False), ("2", True)])
@pytest.mark.usefixtures("made")
def test_cells_whose_images_were_prepared_otherwise_since_are_stale(tmp_path, published, results, digest, stale):
    (results / "summary.json").write_text(json.dumps({"images_sha256": digest * 64}))
    table = tabled(tmp_path, published, results, plan())
    assert (table.loc[("ss-all", 5), "verdict"] == "stale") == stale


@pytest.mark.parametrize("stage", ["evaluate", "pretrain"])
def test_a_cell_that_was_made_otherwise_is_stale_and_shows_no_number(tmp_path, published, results, made, stage):
    one = cell("ss-all", 5)
    path = {"evaluate": f"{one.folder}/evaluation.json", "pretrain": f"{one.pretraining}/pretrain/summary.json"}[stage]
    made(results / path, {"network": {"width": 4}})
    table = tabled(tmp_path, published, results, plan())
    line = table.loc[("ss-all", 5)]
    assert line["verdict"] == "stale"
    assert pd.isna(line["accuracy"])
    assert pd.isna(line["delta"])
    assert "`stale`: " in (tmp_path / "t.md").read_text(encoding="utf-8")
    # A backbone that was trained otherwise makes all of its cells stale, those of other seeds are shown.
    assert table.loc[("ss-all", 1), "seeds"] == (1 if stage == "pretrain" else 2)


def test_a_record_without_settings_is_one_line(tmp_path, published, results, made):
    (results / cell("ss-all", 5).folder / "evaluation.json").write_text("{}")
    with pytest.raises(UserError, match=r"evaluation\.json: has no provenance\.spec; delete it and run again"):
        tabled(tmp_path, published, results, plan())


def test_a_figure_of_nothing_but_stale_cells_is_refused(tmp_path, results, made):
    assert current(read_plan(plan(), results)) == [one.folder for one in CELLS]
    # What was never run is not stale.
    read = read_plan(plan(evaluate="other", pretrain="other"), tmp_path / "nothing")
    assert read["stale"] == []
    read = {**read, "stale": list(read["cells"])}
    with pytest.raises(UserError, match="all cells were made with other settings than the config asks"):
        current(read)
