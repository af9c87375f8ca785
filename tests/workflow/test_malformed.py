"""Malformed inputs of a finished project: exit code 1, one line that names file and key or row, nothing changed."""

import re
import shlex
import shutil
from typing import NamedTuple

import numpy as np
import pytest

from mtl.cli import main
from tests.chaos.kill import digests
from tests.helpers.project import CELL, edit, snakemake

SPLIT, IMAGES = "resources/glyphs/split.csv", "resources/glyphs/16px/images.npy"
EPISODES = "results/glyphs/episodes/seed0/{}-5way-1shot-2query.npz"
THETA = "results/glyphs/resnet12/seed0/pretrain/model.safetensors"
CONFIG, METHODS, DATASETS = "config/config.yaml", "config/methods.yaml", "config/datasets.yaml"
CLASSES, PUBLISHED = "config/splits/glyphs.csv", "config/published/tables.csv"
LAST = CELL.format("ss-last", 1)
PRETRAIN, META_TRAIN = "pre-training resnet12 on glyphs, seed 0", "meta-training ss-last on glyphs, 5-way 1-shot"
EVALUATE, TABLE, CLAIMS = "evaluating ss-last on glyphs, 5-way 1-shot", "building table1", "testing the claims"
CURVE = "evaluating ss-all on glyphs, 5-way 1-shot, snapshots"


def cut(share):
    """Keeps a part of the file."""

    def change(path):
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return change


def rows(share):
    """Keeps the first rows."""

    def change(path):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[: int(share * len(lines))]))

    return change


def replace(old, new):
    """Replaces the first occurrence of `old`."""

    def change(path):
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def content(data):
    """Replaces the content of the file."""
    return lambda path: path.write_bytes(data)


def key(change):
    """Changes the content of a YAML file."""
    return lambda path: edit(path, change)


def as_floats(path):
    np.save(path, np.load(path).astype(np.float32))


def backwards(path):
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, rows[0], *reversed(rows)]) + "\n")


def other_episodes(path):
    shutil.copy(path.with_name(path.name.replace("val", "test")), path)


def overlapping(path):
    with np.load(path) as stored:
        tasks = dict(stored)
    tasks["query"][0, 0] = tasks["support"][0, 0]
    np.savez(path, **tasks)


def weights_of(method):
    return lambda path: shutil.copy(path.parents[2] / method / path.parent.name / path.name, path)


class Case(NamedTuple):
    """A job (its message; "" for all of them), a file it reads, what is wrong with it, and what the error must say."""

    job: str
    file: str
    change: object
    said: str


CASES = {
    "a key that is misspelt": Case("", CONFIG, key(lambda c: c.update(sedes=[0])), "sedes: unknown key; did you mean"),
    "a number in quotes": Case("", CONFIG, key(lambda c: c.update(width="2")), "width: '2' is text, not a number"),
    "a method that is not there": Case("", CONFIG, key(lambda c: c["methods"].append("ss-al")), "methods: 'ss-al' is"),
    "more ways than classes": Case("", CONFIG, key(lambda c: c.update(ways=[50])), "ways: 50 classes per task, but"),
    "an override of Θ by shot": Case(
        "",
        CONFIG,
        key(lambda c: c["overrides"].append({"when": {"shot": 5}, "width": 4})),
        r"overrides\[\d\].when.shot: Θ is shared",
    ),
    "a config that is no YAML": Case("", CONFIG, content(b"way: [5"), "not YAML: .* at line 1"),
    "an empty config": Case("", CONFIG, content(b""), "expected a mapping of keys to values"),
    "a method that makes no sense": Case(
        "", METHODS, key(lambda m: m["ss-all"].update(scope="head")), "ss-all.scope: 'head'"
    ),
    "methods in Latin-1": Case("", METHODS, content("x: Θ".encode("utf-16")), "not YAML"),
    "a dataset with other counts": Case(
        "", DATASETS, key(lambda d: d["glyphs"]["classes"].update(val=21)), "glyphs.classes: .*glyphs.csv has"
    ),
    "a claim about a stranger": Case(
        "", "config/claims.yaml", key(lambda c: c["claims"][0]["pairs"].append(["ss-all", "me"])), "'me' is unknown"
    ),
    "a class in two splits": Case(
        "", CLASSES, replace("val,", "val,U+0041,A,Latin\nval,"), r"line 62: class 'U\+0041' stands in train, too"
    ),
    "a split of another name": Case("", CLASSES, replace("val,", "dev,"), "line 62: split 'dev' is none of"),
    "class list without a column": Case("splitting glyphs", CLASSES, replace("class", "name"), "expected the columns"),
    "class list with a short row": Case(
        "splitting glyphs", CLASSES, replace(",A,Latin", ""), "line 2: not as many values as columns"
    ),
    "rows without an end": Case("drawing test episodes of glyphs, 5-way 1-shot", SPLIT, cut(0.501), "split.csv: "),
    "a split that is not there": Case(
        "drawing test episodes of glyphs, 5-way 1-shot", SPLIT, rows(0.3), "the rows of split 'test' must be there"
    ),
    "too few images of a class": Case(
        "drawing test episodes of glyphs, 5-way 1-shot", SPLIT, rows(0.993), "has .* images, but a task needs"
    ),
    "images that were cut off": Case(PRETRAIN, IMAGES, cut(0.5), "images.npy: not prepared images"),
    "images in floats": Case(PRETRAIN, IMAGES, as_floats, "images.npy: does not hold the images of"),
    "no images at all": Case(PRETRAIN, IMAGES, content(b""), "images.npy: not prepared images"),
    "rows in disorder": Case(PRETRAIN, SPLIT, backwards, "split.csv: the rows of split 'train' must be there and st"),
    "episodes that were cut off": Case(META_TRAIN, EPISODES.format("val"), cut(0.7), "val-.*npz: not a store of epis"),
    "episodes of another split": Case(META_TRAIN, EPISODES.format("val"), other_episodes, "are not those of this spl"),
    "episodes that overlap": Case(META_TRAIN, EPISODES.format("val"), overlapping, "are not those of this split"),
    "episodes that are text": Case(EVALUATE, EPISODES.format("test"), content(b"x,y\n"), "not a store of episodes"),
    "Θ that was cut off": Case(META_TRAIN, THETA, cut(0.9), "pretrain/model.safetensors: not a safetensors file"),
    "a web page for Θ": Case(EVALUATE, THETA, content(b"<html>404</html>"), "pretrain/model.safetensors: not a safe"),
    "weights of another method": Case(
        EVALUATE, f"{LAST}/model.safetensors", weights_of("ft-all"), "ss-last/.*model.safetensors: holds other tensors"
    ),
    "weights of zeros": Case(
        EVALUATE, f"{LAST}/model.safetensors", content(bytes(4096)), "model.safetensors: not a safetensors file"
    ),
    "snapshots without iterations": Case(
        CURVE, CELL.format("ss-all", 1) + "/snapshots.safetensors",
        lambda path: shutil.copy(path.with_name("model.safetensors"), path), "not the snapshots of a meta-training",
    ),
    "a record without steps": Case(
        CURVE, CELL.format("ss-all", 1) + "/evaluation.json", replace('"steps"', '"stops"'), "json: has no steps"
    ),
    "an accuracy that is text": Case(TABLE, f"{LAST}/episodes.csv", replace("\n3,", "\n3,x"), "line 5: accuracy: 'x"),
    "an accuracy above 100": Case(TABLE, f"{LAST}/episodes.csv", replace("\n3,", "\n3,999"), "numbers from 0 to 100"),
    "accuracies without a column": Case(TABLE, f"{LAST}/episodes.csv", replace("acc", "acu"), "no column 'accuracy'"),
    "an empty file of accuracies": Case(TABLE, f"{LAST}/episodes.csv", content(b""), "episodes.csv: No columns"),
    "a published number that is text": Case(TABLE, PUBLISHED, replace("45.3", "about 45"), "line 2: accuracy: 'about"),
    "published numbers without a column": Case(TABLE, PUBLISHED, replace("method", "methid"), "no column 'method'"),
    "published numbers with a long row": Case(
        TABLE, PUBLISHED, replace("update [Θ;θ],", "update, [Θ;θ],"), "tables.csv: .*line 2|tables.csv: .*column"
    ),
    "a history without validation": Case(
        CLAIMS, f"{CELL.format('ss-all-ht', 1)}/history.csv", content(b"iteration,tasks_seen,validation_accuracy\n"),
        "history.csv: has no validation_accuracy",
    ),
    "a record that is no JSON": Case(CLAIMS, f"{LAST}/evaluation.json", content(b"{"), "evaluation.json: has no"),
    "a manifest that is no JSON": Case("verify", "results/manifest.json", content(b"{"), "there is no manifest"),
    "a cell that has no number": Case("explain", f"{LAST}/evaluation.json", content(b"[]"), "json: has no accuracy"),
}  # fmt: skip


@pytest.fixture(scope="module")
def commands(finished):
    """What each job of a project runs, by its message."""
    code, output = snakemake(finished, "-n", "-F", "-p")
    assert code == 0, output
    return dict(re.findall(r"^Job \d+: (.*)\nShell command: .*?(mtl .*?)(?: 2>&1 \|.*)?$", output, flags=re.MULTILINE))


def left(project):
    """Everything under results and resources."""
    return digests(project / "results"), digests(project / "resources")


def run(project, command, monkeypatch, capfd):
    """Runs a job, or plans all of them; returns the exit code and the lines shown."""
    if command is None:
        code, output = snakemake(project)
        return code, output.splitlines()
    monkeypatch.setattr("sys.argv", shlex.split(command))
    monkeypatch.chdir(project)
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code, capfd.readouterr().err.splitlines()


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_input_is_one_line(project, commands, name, monkeypatch, capfd):
    case = CASES[name]
    by_hand = {"": None, "verify": "mtl verify results", "explain": f"mtl explain {LAST}"}
    command = by_hand[case.job] if case.job in by_hand else commands[case.job]
    case.change(project / case.file)
    before = left(project)
    code, lines = run(project, command, monkeypatch, capfd)
    assert code == 1, lines
    assert re.search(case.said, lines[-1]), lines[-1]
    assert case.file.rpartition("/")[2] in lines[-1], lines[-1]
    assert not any("Traceback" in line for line in lines)
    assert left(project) == before
