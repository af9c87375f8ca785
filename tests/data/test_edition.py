"""Other images in the place of those that were fetched are noticed; the same images elsewhere are not others."""

import os
import shutil

import pytest

from mtl.data.edition import edition_of
from mtl.data.fetch import fetch
from mtl.data.source import read_source
from mtl.data.split import images_by_class, read_class_list
from mtl.specs.datasets import ArchiveFile, FetchSpec, SourceEntry
from tests.helpers.archives import write_tar
from tests.helpers.trees import TREE, class_list, plant, png

ARCHIVE = SourceEntry(form="images", files=[ArchiveFile(name="birds.tar")])


class Birds:
    """A dataset that was fetched from a folder."""

    def __init__(self, folder, form):
        self.folder = folder
        self.spec = FetchSpec(dataset="birds", sources=[ARCHIVE, TREE], images_per_class=1)
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

    def fetch(self, edition="", data="data"):
        fetch(self.spec, self.classes, str(self.folder / data), self.folder, self.record, edition)

    def edition(self, data="data"):
        listed = images_by_class(read_class_list(self.classes))
        return edition_of(self.record, self.spec, listed, data and str(self.folder / data)).name


@pytest.fixture(params=["tree", "archive"])
def birds(tmp_path, request):
    return Birds(tmp_path, request.param)


def test_nothing_is_fetched_yet(birds):
    birds.record.unlink()
    assert birds.edition() == ""


def test_the_same_images_elsewhere_are_the_same(birds, capfd):
    assert (birds.edition(), birds.edition(data="")) == ("", "")
    shutil.copytree(birds.folder / "data", birds.folder / "copied", copy_function=shutil.copyfile)
    shutil.move(birds.folder / "data", birds.folder / "moved")
    assert (birds.edition("moved"), birds.edition(data="")) == ("", "")
    assert capfd.readouterr().err == ""
    # Copies have other times, so their content is compared, once.
    assert (birds.edition("copied"), birds.edition("copied")) == ("", "")
    assert capfd.readouterr().err.count("comparing its content") == 1


@pytest.mark.parametrize("data", ["data", ""])
def test_a_mended_image_is_another(birds, capfd, data):
    form = "archive" if (birds.folder / "data/birds.tar").exists() else "tree"
    birds.write(birds.folder / "data", form, {"robin/1.png": 9, "wren/1.png": 2})
    first = birds.edition(data)
    assert first
    assert "holds other images than those that were fetched" in capfd.readouterr().err
    birds.write(birds.folder / "data", form, {"robin/1.png": 8, "wren/1.png": 2})
    second = birds.edition(data)
    assert second not in ("", first)
    birds.fetch(edition=second)
    assert birds.edition(data) == second


@pytest.mark.parametrize("form", ["tree", "archive"])
def test_another_folder_with_other_images_is_noticed(birds, form):
    birds.write(birds.folder / "other", form, {"robin/1.png": 7, "wren/1.png": 8})
    assert birds.edition("other") != ""


def test_a_folder_without_them_is_no_other_edition(birds):
    (birds.folder / "empty").mkdir()
    assert (birds.edition("empty"), birds.edition("nowhere")) == ("", "")


def test_an_image_more_is_another_edition_and_a_stray_file_is_not(tmp_path):
    birds = Birds(tmp_path, "tree")
    plant(tmp_path / "data", {"heron/1.png": 3})
    (tmp_path / "data/notes.txt").write_text("")
    assert birds.edition() == ""
    plant(tmp_path / "data", {"robin/2.png": 3})
    assert birds.edition() != ""


def test_a_time_alone_makes_no_other_edition(birds):
    for path in (birds.folder / "data").rglob("*.*"):
        os.utime(path, (1, 1))
    assert birds.edition() == ""


def test_times_may_be_set_and_sizes_be_equal(birds):
    form = "archive" if (birds.folder / "data/birds.tar").exists() else "tree"
    times = {path: path.stat() for path in (birds.folder / "data").rglob("*.*")}
    birds.write(birds.folder / "data", form, {"robin/1.png": 9, "wren/1.png": 2})
    for path, was in times.items():
        assert path.stat().st_size == was.st_size
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert birds.edition() != ""


def test_another_form_that_would_be_preferred_is_another_edition(tmp_path):
    birds = Birds(tmp_path, "tree")
    birds.write(tmp_path / "data", "archive", {"robin/1.png": 7, "wren/1.png": 8})
    assert birds.edition() != ""


def test_where_to_look_is_where_it_was_found(tmp_path):
    birds = Birds(tmp_path, "tree")
    plant(tmp_path / "data", {"robin/1.png": 9})
    listed = images_by_class(read_class_list(birds.classes))
    assert edition_of(birds.record, birds.spec, listed, "").folder == str(tmp_path / "data")


def test_an_empty_folder_in_the_old_place_is_not_the_dataset(tmp_path):
    birds = Birds(tmp_path, "tree")
    shutil.move(tmp_path / "data", tmp_path / "moved")
    (tmp_path / "data").mkdir()
    assert birds.edition("moved") == ""
    listed = images_by_class(read_class_list(birds.classes))
    assert len(list(read_source(birds.record).members(listed, str(tmp_path / "moved")))) == 2


def test_a_longer_name_of_the_same_class_is_noticed(tmp_path):
    birds = Birds(tmp_path, "tree")
    (tmp_path / "data/all").mkdir()
    for name in ("robin", "wren"):
        shutil.move(tmp_path / "data" / name, tmp_path / "data/all" / name)
    assert birds.edition() == ""
    class_list(birds.classes, "train,all/robin", "val,wren")
    assert birds.edition() != ""
