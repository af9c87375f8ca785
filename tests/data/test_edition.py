"""Other images in the place of those that were fetched are noticed; the same images elsewhere are not others."""

import os
import shutil

import pytest

from mtl.data.edition import edition_of
from mtl.data.fetch import fetch
from mtl.data.split import images_by_class, read_class_list
from mtl.specs.datasets import ArchiveFile, FetchSpec, SourceEntry
from tests.helpers.archives import write_tar
from tests.helpers.trees import TREE, class_list, plant, png

ARCHIVE = SourceEntry(form="images", files=[ArchiveFile(name="birds.tar")])


class Birds:
    """A dataset that was fetched from a folder."""

    def __init__(self, folder, form):
        self.folder = folder
        self.spec = FetchSpec(dataset="birds", sources=[ARCHIVE, TREE])
        self.classes = class_list(folder / "classes.csv", "train,robin", "val,wren")
        self.record = folder / "resources/source.json"
        self.write(folder / "data", form, {"robin/1.png": 1, "wren/1.png": 2})
        self.fetch()

    def write(self, folder, form, values):
        folder.mkdir(exist_ok=True)
        if form == "tree":
            plant(folder, values)
        else:
            write_tar(folder / "birds.tar", {name: png(value) for name, value in values.items()})

    def fetch(self, edition=0, data="data"):
        fetch(self.spec, self.classes, str(self.folder / data), self.folder, self.record, edition)

    def edition(self, data="data"):
        listed = images_by_class(read_class_list(self.classes))
        return edition_of(self.record, self.spec, listed, data and str(self.folder / data))


@pytest.fixture(params=["tree", "archive"])
def birds(tmp_path, request):
    return Birds(tmp_path, request.param)


def test_nothing_is_fetched_yet(birds):
    birds.record.unlink()
    assert birds.edition() == 0


def test_the_same_images_elsewhere_are_the_same(birds, capfd):
    assert (birds.edition(), birds.edition(data="")) == (0, 0)
    shutil.copytree(birds.folder / "data", birds.folder / "copied", copy_function=shutil.copyfile)
    shutil.move(birds.folder / "data", birds.folder / "moved")
    assert (birds.edition("moved"), birds.edition(data="")) == (0, 0)
    assert capfd.readouterr().err == ""
    # Copies have other times, so their content is compared, once.
    assert (birds.edition("copied"), birds.edition("copied")) == (0, 0)
    assert capfd.readouterr().err.count("comparing its content") == 1


@pytest.mark.parametrize("data", ["data", ""])
def test_a_mended_image_is_another(birds, capfd, data):
    form = "archive" if (birds.folder / "data/birds.tar").exists() else "tree"
    birds.write(birds.folder / "data", form, {"robin/1.png": 9, "wren/1.png": 2})
    assert birds.edition(data) == 1
    assert "holds other images than those that were fetched" in capfd.readouterr().err
    birds.fetch(edition=1)
    assert birds.edition(data) == 1


@pytest.mark.parametrize("form", ["tree", "archive"])
def test_another_folder_with_other_images_is_noticed(birds, form):
    birds.write(birds.folder / "other", form, {"robin/1.png": 7, "wren/1.png": 8})
    assert birds.edition("other") == 1


def test_a_folder_without_them_is_no_other_edition(birds):
    (birds.folder / "empty").mkdir()
    assert (birds.edition("empty"), birds.edition("nowhere")) == (0, 0)


def test_an_image_more_is_another_edition_and_a_stray_file_is_not(tmp_path):
    birds = Birds(tmp_path, "tree")
    plant(tmp_path / "data", {"heron/1.png": 3})
    (tmp_path / "data/notes.txt").write_text("")
    assert birds.edition() == 0
    plant(tmp_path / "data", {"robin/2.png": 3})
    assert birds.edition() == 1


def test_a_time_alone_makes_no_other_edition(birds):
    for path in (birds.folder / "data").rglob("*.*"):
        os.utime(path, (1, 1))
    assert birds.edition() == 0
