"""A user's own dataset: an entry in config/datasets.yaml, a split, a folder per class, no code."""

import json
import shutil

import pandas as pd
import pytest
import yaml

from mtl.runtime.files import sha256
from tests.helpers.archives import jpeg, noise_image, write_tar
from tests.helpers.project import edit, make_project, planned, snakemake

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


def test_without_it_one_line_says_what_is_expected(birds):
    folder, data = birds
    arguments = ("results/birds/table1.csv", "--configfile", "birds.yaml")
    for setting, message in (
        ([], "config: data: birds cannot be downloaded; get an unpacked tree of images and point `data` at the folder"),
        (["--config", f"data={folder / 'config'}"], "config holds no birds; expected an unpacked tree of images"),
    ):
        code, output = snakemake(folder, *arguments, *setting)
        assert code == 1
        log = (folder / "logs/birds/birds/fetch.log").read_text().splitlines()
        assert len(log) == 1
        assert message in log[0]
        assert "Traceback" not in output
    (data / "birds/val-3/0.jpg").unlink()
    code, output = snakemake(folder, *arguments, "--config", f"data={data}")
    assert code == 1
    assert "val class 'val-3' has 5 images; config/datasets.yaml: images_per_class promises 6" in output


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
