"""A config in several layers: errors name the layer, and every experiment has folders of its own."""

from pathlib import Path

import pytest
from snakemake.cli import parse_config

from mtl.experiment.folders import check_places, check_workflow_folder
from mtl.experiment.layers import layers_of, merged
from mtl.experiment.load import load
from mtl.runtime.errors import UserError
from tests.helpers.learners import CONFIG, ROOT


@pytest.fixture
def load_with(tmp_path, monkeypatch):
    """Loads the project's config, extended by the text of a file and by what `--config` says."""
    monkeypatch.chdir(tmp_path)

    def loaded(text="note: x", *given):
        Path("x.yaml").write_text(text)
        layers = layers_of([CONFIG / "config.yaml", Path("x.yaml")], given)
        return load(merged(layers), ROOT, layers)

    return loaded


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        ("note: x", ["widht=3"], "--config: widht: unknown key; did you mean 'width'?"),
        ("note: x", ["width=x"], "--config: width: 'x' is not a whole number"),
        ("note: x", ["width"], "--config: 'width' is not key=value"),
        ("width: 0", ["note=x"], "x.yaml: width: 0 must be greater than or equal to 1"),
        ("meta_train: {iteration: 3}", [], "x.yaml: meta_train.iteration: unknown key; did you mean 'iterations'?"),
        ("methods: [ss-al]", [], "x.yaml: methods: 'ss-al' is unknown; did you mean 'ss-all'?"),
    ],
)
def test_an_error_names_the_layer_that_is_wrong(load_with, text, given, message):
    with pytest.raises(UserError) as caught:
        load_with(text, *given)
    assert str(caught.value).endswith(message)
    if "methods" not in text:  # a name is wrong only beside the other layers
        assert str(caught.value) == message


def test_a_key_of_another_project_is_its_own_business(tmp_path):
    """A module gets a part of the config of the project that uses it."""
    layers = {"config.yaml": {"mtl": {"width": 3}, "own": 1}, "--config": {"own": 2}}
    assert load({"width": 3}, ROOT, layers).grid.config.width == 3


GIVEN = ["a=1", "b=1.5", "c=1e-3", "d=True", "e=true", "f=[1, x]", "g={h: 2}", "g={i: 3}", "j=", "k=a: b: c", "l=x=y"]


def test_the_command_line_is_read_as_snakemake_reads_it():
    # Snakemake ignores keys of one letter.
    given = [f"key_{item}" for item in GIVEN]
    assert layers_of([], given) == {"--config": parse_config(given)}


PATHVARS = "pathvars: {{ results: {}, logs: {}, benchmarks: {} }}"


@pytest.mark.parametrize("folders", [("r", "l", "b"), ("results", "logs", "logs/benchmarks"), ("results", "l", "b")])
def test_an_experiment_may_have_folders_of_its_own(load_with, folders):
    assert load_with(PATHVARS.format(*folders)).grid.config.pathvars.results == folders[0]


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        ("pathvars: { results: r }", [], "x.yaml: pathvars.logs: 'logs' belongs to"),
        (PATHVARS.format("r", "logs", "b"), [], "x.yaml: pathvars.logs: 'logs' belongs to"),
        (PATHVARS.format("r", "l", "logs/benchmarks"), [], "x.yaml: pathvars.benchmarks: 'logs/benchmarks' belongs to"),
        (PATHVARS.format("r", "l", "b"), ["pathvars={results: s}"], "--config: pathvars.logs: 'l' belongs to"),
    ],
)
def test_an_experiment_does_not_write_over_the_logs_of_another(load_with, text, given, message):
    with pytest.raises(UserError) as caught:
        load_with(text, *given)
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith("; name all three folders: results, logs and benchmarks")


def test_what_is_in_the_place_of_a_folder_is_said(tmp_path):
    (tmp_path / "link").symlink_to("/nowhere")
    (tmp_path / "file").touch()
    check_places([tmp_path / "new" / "folder", tmp_path])
    with pytest.raises(UserError, match="link: is a link to /nowhere, which is not there"):
        check_places([tmp_path / "link" / "folder"])
    with pytest.raises(UserError, match="file: is not a folder"):
        check_places([tmp_path / "file"])


def test_a_workflow_cannot_be_in_a_folder_with_braces():
    check_workflow_folder("/a folder/with 'quotes'/workflow")
    with pytest.raises(UserError, match=r"^/a\{b\}/workflow: Snakemake takes braces in this path for wildcards"):
        check_workflow_folder("/a{b}/workflow")
