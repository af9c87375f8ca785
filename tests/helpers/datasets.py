"""A small archive, and the stages that read it, run the way a user runs them."""

import json
from dataclasses import asdict
from pathlib import Path

import yaml

from mtl.specs.datasets import ArchiveFile, SourceEntry
from tests.helpers.archives import jpeg, plain_image, tar_bytes

NAMES = [f"{name}0000000{rank}.jpg" for name in ("n01", "n02", "n03") for rank in (1, 2)]
ARCHIVE = tar_bytes({name: jpeg(plain_image(10 * index, 16)) for index, name in enumerate(NAMES)})
SPLIT_OF = {"n01": "train", "n02": "val", "n03": "test"}
CLASSES = "split,class,image\n" + "".join(f"{SPLIT_OF[name[:3]]},{name[:3]},{name}\n" for name in NAMES)


def source(form, *names, **facts):
    """A source with files of these names, which share the given facts."""
    return SourceEntry(form=form, files=[ArchiveFile(name=name, **facts) for name in names])


def fetch(stage, source, folder=""):
    Path("datasets.yaml").write_text(yaml.safe_dump({"mini": {"sources": [asdict(source)], "images_per_class": 2}}))
    return stage(
        "fetch", "--datasets", "datasets.yaml", "--dataset", "mini", "--classes", "classes.csv", "--folder", folder,
        "--archives", "resources/archives", "--output", "resources/source.json",
    )  # fmt: skip


def prepare(stage):
    spec = json.dumps({"dataset": "mini", "seed": None, "size": 16})
    inputs = ("--source", "resources/source.json", "--split", "split.csv")
    outputs = [f"--{name}=resources/16px/{file}" for name, file in (
        ("images", "images.npy"), ("samples", "samples.png"), ("summary", "summary.json"),
    )]  # fmt: skip
    split = stage(
        "split", "--classes", "classes.csv", "--images-per-class", 2, inputs[0], inputs[1], "--output", "split.csv"
    )
    assert split[0] == 0, split
    return stage("prepare", "--spec", spec, *inputs, *outputs)


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in (folder / "resources").rglob("*") if path.is_file())


def refused(stage, folder, form, name):
    """Fetches and prepares an archive that must be refused; returns the one line."""
    code, lines = fetch(stage, source(form, name), folder / "data")
    there = [] if code else ["resources/source.json"]
    if code == 0:
        code, lines = prepare(stage)
    assert code == 1
    assert lines[-1].startswith("mtl: error: ")
    assert not any("Traceback" in line for line in lines)
    assert left(folder) == there
    return lines[-1]
