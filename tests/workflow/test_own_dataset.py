"""A user's own dataset: an entry in config/datasets.yaml, a split, a folder per class, no code."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from mtl.runtime.files import sha256
from tests.helpers.archives import jpeg, noise_image, write_tar
from tests.helpers.learners import ROOT
from tests.helpers.pages import blocks, commands, files, write_file
from tests.helpers.project import TINY, edit, make_project, planned, run, snakemake

CLASSES = {split: [f"{split}-{number}" for number in range(5)] for split in ("train", "val", "test")}
EXPERIMENT = {
    "datasets": ["birds"],
    "shots": [1],
    "methods": ["linear", "ss-all"],
    "pathvars": {"results": "results/birds", "logs": "logs/birds", "benchmarks": "logs/birds/benchmarks"},
}


@pytest.fixture
def birds(tmp_path):
    """A project with such a dataset, whose images are elsewhere."""
    folder = make_project(tmp_path / "project")
    lines = [f"{split},{name}" for split, names in CLASSES.items() for name in names]
    (folder / "config/splits/birds.csv").write_text("\n".join(["split,class", *lines]) + "\n")
    entry = {
        "title": "birds", "note": "", "kind": "images", "licence": "mine", "split": "config/splits/birds.csv",
        "classes": dict.fromkeys(CLASSES, 5), "images_per_class": 6, "sources": [{"form": "images"}],
        "digests": {},
    }  # fmt: skip
    edit(folder / "config/datasets.yaml", lambda datasets: datasets.update(birds=entry))
    (folder / "birds.yaml").write_text(yaml.safe_dump(EXPERIMENT))
    for names in CLASSES.values():
        for name in names:
            (tmp_path / "data/birds" / name).mkdir(parents=True)
            for image in range(6):
                (tmp_path / "data/birds" / name / f"{image}.jpg").write_bytes(jpeg(noise_image(20)))
    return folder, tmp_path / "data"


def test_it_runs_to_the_table_and_moving_it_reruns_nothing(birds):
    folder, data = birds
    arguments = ("results/birds/table1.csv", "--configfile", "birds.yaml")
    code, output = snakemake(folder, *arguments, "--config", f"data={data}")
    assert code == 0, output
    assert len(pd.read_csv(folder / "results/birds/table1.csv")) == 2
    summary = json.loads((folder / "resources/birds/16px/summary.json").read_text())
    assert summary["source_sizes"] == {"20x20": 90}
    assert planned(folder, *arguments) == []
    shutil.move(data, folder / "elsewhere")
    assert planned(folder, *arguments, "--config", "data=elsewhere") == []
    assert planned(folder, *arguments) == []
    # Another size is prepared from where the images are now, and they are not fetched again.
    other = ("--config", "data=elsewhere", "image_size=20")
    assert "preparing birds at 20 px" in planned(folder, *arguments, *other)
    assert "fetching birds" not in planned(folder, *arguments, *other)
    code, output = snakemake(folder, "resources/birds/20px/images.npy", *arguments[1:], *other)
    assert code == 0, output


def test_the_page_about_it_leads_to_a_table(tmp_path):
    folder = make_project(tmp_path / "project")
    page = (ROOT / "docs/real-data.md").read_text(encoding="utf-8")
    shown = blocks(page.partition("## Your own dataset")[2])
    class_list, experiment = [line for block in shown if block.language == "console" for line in commands(block.text)]
    assert sum(bool(line) for block in files(shown) for line in block.text.splitlines()) + 2 < 30
    for block in files(shown):
        write_file(block, folder)
    for number in range(100):
        (folder / f"FOLDER/birds/class-{number}").mkdir(parents=True)
        for image in range(50):
            (folder / f"FOLDER/birds/class-{number}/{image}.jpg").write_bytes(jpeg(noise_image(20)))
    code, output = run(folder, class_list)
    assert code == 0, output
    # As the page says, but small.
    (folder / "tiny.yaml").write_text(yaml.safe_dump({**TINY, "methods": ["ss-all"], "shots": [1]}))
    code, output = run(folder, experiment.replace("birds.yaml", "birds.yaml tiny.yaml"))
    assert code == 0, output
    assert pd.read_csv(folder / "results/birds/table1.csv")["accuracy"].notna().all()


def test_a_mended_image_is_prepared_again(birds):
    folder, data = birds
    arguments = ("resources/birds/16px/images.npy", "--configfile", "birds.yaml", "--config", f"data={data}")
    assert snakemake(folder, *arguments)[0] == 0
    before = np.load(folder / "resources/birds/16px/images.npy")
    (data / "birds/train-0/0.jpg").write_bytes(jpeg(noise_image(20)))
    code, output = snakemake(folder, *arguments)
    assert code == 0, output
    assert "holds other images than those that were fetched" in output
    after = np.load(folder / "resources/birds/16px/images.npy")
    assert [(before[row] == after[row]).all() for row in (0, 1)] == [False, True]
    assert planned(folder, *arguments) == []
    # Without Snakemake's records nobody would know what to make again.
    (data / "birds/train-0/1.jpg").write_bytes(jpeg(noise_image(20)))
    shutil.rmtree(folder / ".snakemake")
    code, output = snakemake(folder, *arguments)
    assert code == 1
    assert "resources/birds/source.json: is that of other images" in output.splitlines()[-1]
    (folder / "resources/birds/source.json").unlink()
    code, output = snakemake(folder, *arguments)
    assert code == 0, output
    # Where the images were is remembered.
    assert planned(folder, *arguments[:3]) == []
    (data / "birds/train-0/2.jpg").write_bytes(jpeg(noise_image(20)))
    code, output = snakemake(folder, *arguments[:3])
    assert code == 0, output
    assert planned(folder, *arguments) == []


def test_published_trees_run_to_one_table_by_configuration_alone(tmp_path):
    folder = make_project(tmp_path / "project")
    trees = {
        # images_background/<alphabet>/<character>/, classes listed by path
        "omniglot": ("images_background/{0}/character{1:02d}", "{0}/character{1:02d}", None),
        # train/<wnid>/images/, classes listed as in wnids.txt
        "tiny-imagenet": ("train/n{0}{1:07d}/images", "n{0}{1:07d}", None),
        # images/<number>.<name>/, images listed as in images.txt
        "cub": ("CUB_200_2011/images/00{1}.{0}", "00{1}.{0}", "00{1}.{0}/{2}.png"),
        # train/<class>/ and test/<class>/, merged
        "cifar": ("{3}/{0}{1}", "{0}{1}", None),
    }
    entries = {}
    for dataset, (place, name, image) in trees.items():
        rows = []
        for split, letter in zip(CLASSES, "ABC", strict=True):
            for number in range(1, 6):
                parts = ["train"] * 4 + ["test"] * 2
                files = [place.format(letter, number, i, part) + f"/{i}.png" for i, part in enumerate(parts)]
                for path in (tmp_path / "data" / dataset / file for file in files):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(jpeg(noise_image(20)))
                listed = [image.format(letter, number, i) for i in range(6)] if image else [None]
                rows += [",".join(filter(None, [split, name.format(letter, number), one])) for one in listed]
        head = "split,class,image" if image else "split,class"
        (folder / f"config/splits/{dataset}.csv").write_text("\n".join([head, *rows]) + "\n")
        source = {"form": "images"} | ({"merge": ["train", "test"]} if dataset == "cifar" else {})
        entries[dataset] = {
            "title": dataset, "kind": "images", "split": f"config/splits/{dataset}.csv",
            "classes": dict.fromkeys(CLASSES, 5), "images_per_class": 6, "sources": [source],
        }  # fmt: skip
    edit(folder / "config/datasets.yaml", lambda datasets: datasets.update(entries))
    (folder / "own.yaml").write_text(yaml.safe_dump({**EXPERIMENT, "datasets": list(trees), "methods": ["linear"]}))
    target = "results/birds/table1.csv"
    code, output = snakemake(folder, target, "--configfile", "own.yaml", "--config", f"data={tmp_path / 'data'}")
    assert code == 0, output
    table = pd.read_csv(folder / target)
    assert (len(table), table["accuracy"].notna().all()) == (4, True)
    for dataset in trees:
        summary = json.loads((folder / f"resources/{dataset}/16px/summary.json").read_text())
        assert (summary["images"], summary["classes"]) == (90, dict.fromkeys(CLASSES, 5))


def test_without_it_one_line_says_what_is_expected(birds):
    folder, data = birds
    arguments = ("results/birds/table1.csv", "--configfile", "birds.yaml")
    said = "config: data: birds cannot be downloaded; get an unpacked tree of images and point `data` at the folder"
    code, output = snakemake(folder, "-n", *arguments)
    assert (code, output.count(f"note: {said}")) == (0, 1)
    code, output = snakemake(folder, *arguments)
    assert code == 1
    assert (folder / "logs/birds/birds/fetch.log").read_text() == f"mtl: error: {said}\n"
    for place, message in (
        ("config", "other files (.yaml, .csv, .md); expected an unpacked tree of images"),
        ("gone", "there is no folder gone"),
    ):
        code, output = snakemake(folder, "-n", *arguments, "--config", f"data={place}")
        assert (code, message in output.splitlines()[-1]) == (1, True), output
    (data / "birds/val-3/0.jpg").unlink()
    code, output = snakemake(folder, "-n", *arguments, "--config", f"data={data}")
    assert code == 1
    assert "class 'val-3' has 5 images; config/datasets.yaml: images_per_class promises 6" in output


def test_from_an_archive_with_a_checksum(birds):
    folder, data = birds
    images = {str(path.relative_to(data)): path.read_bytes() for path in sorted(data.rglob("*.jpg"))}
    archive = write_tar(folder / "birds.tar", images)
    arguments = ("resources/birds/16px/images.npy", "--configfile", "birds.yaml", "--config", f"data={folder}")
    change = {"form": "images", "files": [{"name": archive.name, "checksum": "md5:" + "0" * 32}]}
    edit(folder / "config/datasets.yaml", lambda datasets: datasets["birds"].update(sources=[change]))
    code, output = snakemake(folder, *arguments)
    assert code == 1
    assert "birds.tar: its md5 is" in output
    change["files"][0]["checksum"] = f"sha256:{sha256(archive)}"
    edit(folder / "config/datasets.yaml", lambda datasets: datasets["birds"].update(sources=[change]))
    code, output = snakemake(folder, *arguments)
    assert code == 0, output
    summary = json.loads((folder / "resources/birds/16px/summary.json").read_text())
    assert (summary["images"], summary["source"]["files"]) == (90, {"birds.tar": sha256(archive)})
