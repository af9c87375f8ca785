"""`mtl verify` compares what stages recorded with what the config asks."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from mtl.data.images_of import numbered_images
from mtl.data.split import read_class_list, write_split
from mtl.experiment.load import load
from mtl.experiment.project import read_yaml
from mtl.reporting.records import records_of
from mtl.reporting.verify import not_as_asked, verify
from mtl.runtime.errors import UserError
from mtl.runtime.files import sha256, write_json
from tests.helpers.learners import CONFIG
from tests.helpers.project import edit

OTHERWISE = "stale: made with other settings than the config asks"
SPLIT, SUMMARY = Path("resources/glyphs/split.csv"), Path("resources/glyphs/32px/summary.json")
CELL = "glyphs/resnet12/seed0/ss-all/5way-1shot"


def change_config(change):
    edit(Path("config/config.yaml"), change)


def change_dataset(change):
    edit(Path("config/datasets.yaml"), lambda datasets: change(datasets["glyphs"]))


def planned():
    return load(read_yaml(Path("config/config.yaml")))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with the records of all that its config asks, and without anything else."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(CONFIG, "config")
    change_config(lambda config: config.update(methods=["linear", "ss-all"], shots=[1]))
    experiment = planned()
    for cell in experiment.grid.cells:
        for stage, spec in experiment.jobs.asked_specs(cell).items():
            write_json(records_of(cell.folder, Path("results"))[stage], {"provenance": {"spec": spec}})
    prepared(read_class_list(Path("config/splits/glyphs.csv")), 200)


def prepared(classes, images_per_class, **changed):
    write_split(numbered_images(classes, images_per_class), SPLIT)
    spec = {"dataset": "glyphs", "seed": 0, "size": 32}
    write_json(SUMMARY, {"source": None, "spec": spec, "split": sha256(SPLIT), **changed})


def wrong():
    experiment = planned()
    return list(not_as_asked(experiment, Path("results")))


@pytest.mark.usefixtures("project")
def test_nothing_is_wrong_with_what_was_made_as_asked():
    assert wrong() == []


@pytest.mark.usefixtures("project")
def test_the_first_settings_that_differ_are_named():
    change_config(lambda config: config["meta_train"].update(iterations=26, snapshots=[0, 26]))
    assert wrong() == [
        (
            Path("results", CELL, "training.json"),
            f"{OTHERWISE} (meta_train.iterations 300, asked 26; meta_train.snapshots [0, 50, 100, 150, 200, 250, 300], "
            "asked [0, 26])",
        )
    ]
    change_config(lambda config: config["meta_train"].update(query=3, validate_every=13))
    assert wrong()[0][1].endswith("; and 1 more)")


@pytest.mark.usefixtures("project")
def test_a_setting_that_has_its_default_is_called_so():
    record = Path("results", CELL, "evaluation.json")
    spec = json.loads(record.read_text())["provenance"]["spec"]
    write_json(record, {"provenance": {"spec": {**spec, "new_key": 3}}})
    assert wrong() == [(record, f"{OTHERWISE} (new_key 3, asked default)")]


@pytest.mark.usefixtures("project")
def test_cells_that_were_never_made_are_missing():
    change_config(lambda config: config["methods"].append("update-head"))
    assert wrong() == [(Path("results/glyphs/resnet12/seed0/update-head/5way-1shot/evaluation.json"), "missing")]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("change", "path", "problem"),
    [
        ({"seed": 5}, SUMMARY, f"{OTHERWISE} (seed 0, asked 5)"),
        ({"images_per_class": 201}, SPLIT, f"{OTHERWISE} (images_per_class 200, asked 201)"),
        ({"images_per_class": 199}, SPLIT, f"{OTHERWISE} (images_per_class 200, asked 199)"),
        (
            {"kind": "images", "seed": None, "sources": [{"form": "images"}]},
            SUMMARY,
            f"{OTHERWISE} (the images were rendered, asked glyphs.kind images)",
        ),
    ],
)
def test_images_that_the_config_does_not_ask_are_stale(change, path, problem):
    change_dataset(lambda entry: entry.update(change))
    assert (path, problem) in wrong()


@pytest.mark.usefixtures("project")
def test_another_class_list_makes_the_split_stale():
    listed = Path("config/splits/glyphs.csv")
    with listed.open(newline="") as file:
        head, first, second, *rest = csv.reader(file)
    with listed.open("w", newline="") as file:
        csv.writer(file).writerows([head, second, first, *rest])
    assert wrong() == [(SPLIT, f"{OTHERWISE} (other classes than config/splits/glyphs.csv lists, or in another order)")]


@pytest.mark.usefixtures("project")
def test_images_of_another_split_are_stale():
    write_json(SUMMARY, {**json.loads(SUMMARY.read_text()), "split": "0" * 64})
    assert wrong() == [(SUMMARY, f"stale: {SPLIT} has been replaced since")]


@pytest.mark.usefixtures("project")
def test_a_summary_of_an_earlier_version_is_not_stale():
    write_json(SUMMARY, {"source": None})
    assert wrong() == []


ARCHIVE = {"form": "images", "files": [{"name": "a.tar", "checksum": f"sha256:{'1' * 64}"}]}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("source", "stale"),
    [
        ({"form": "images", "files": {"a.tar": "1" * 64}}, False),
        ({"form": "images", "files": {"a.tar": "2" * 64}}, True),
        ({"form": "images", "files": {"b.tar": "1" * 64}}, True),
        ({"form": "pickles", "files": {"a.tar": "1" * 64}}, True),
        # A tree of one's own.
        ({"form": "images", "files": {}}, False),
    ],
)
def test_images_from_another_source_are_stale(source, stale):
    change_dataset(lambda entry: entry.update(kind="images", seed=None, sources=[ARCHIVE, {"form": "images"}]))
    prepared(read_class_list(Path("config/splits/glyphs.csv")), 200, source=source)
    spec = json.loads(SUMMARY.read_text())["spec"]
    write_json(SUMMARY, {**json.loads(SUMMARY.read_text()), "spec": {**spec, "seed": None}})
    found = [problem for path, problem in wrong() if path == SUMMARY]
    assert len(found) == stale
    assert all("none of glyphs.sources of config/datasets.yaml" in problem for problem in found)


@pytest.mark.usefixtures("project")
def test_a_tree_whose_parts_are_merged_otherwise_is_stale():
    source = Path("resources/glyphs/source.json")
    write_json(source, {"form": "images", "merge": ["train", "test"]})
    for merge, stale in (["train", "test"], False), ([], True):
        tree = {"form": "images", "merge": merge}
        change_dataset(lambda entry, tree=tree: entry.update(kind="images", seed=None, sources=[tree]))
        problem = f'{OTHERWISE} (glyphs.sources: no images with merge ["train", "test"])'
        assert ((source, problem) in wrong()) == stale


@pytest.mark.usefixtures("project")
def test_a_config_of_other_results_is_not_compared():
    write_json(Path("results/manifest.json"), {"results": "results", "files": {}, "archives": {}})
    Path("other.yaml").write_text("pathvars: {results: r, logs: l, benchmarks: b}\n")
    with pytest.raises(UserError, match=r"config/config\.yaml \+ other\.yaml: pathvars\.results is r, not results"):
        verify(Path("results"), [Path("other.yaml")])


@pytest.mark.usefixtures("project")
def test_a_config_is_taken_as_snakemake_takes_it(capsys):
    write_json(Path("results/manifest.json"), {"results": "results", "files": {}, "archives": {}})
    with pytest.raises(UserError, match="problems, listed above: "):
        verify(Path("results"), [], ["width=4"])
    out = capsys.readouterr().out
    assert "(network.width 8, asked 4)" in out
    assert out.splitlines()[-1].endswith("; snakemake --cores 2 --config width=4")
