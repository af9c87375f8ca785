"""What is said of a folder that does not hold a dataset, or holds it in several forms."""

import hashlib

import pytest

from mtl.runtime.errors import UserError
from mtl.specs.datasets import ArchiveFile, SourceEntry
from tests.helpers.archives import write_tar
from tests.helpers.trees import TREE, class_list, plant, png, prepared

ARCHIVES = SourceEntry(
    form="images", files=[ArchiveFile(name=f"{split}.tar", checksum="md5:" + "0" * 32) for split in ("train", "val")]
)


@pytest.fixture
def classes(tmp_path):
    (tmp_path / "data").mkdir()
    return class_list(tmp_path / "classes.csv", "train,robin", "val,wren")


def refused(folder, classes, *sources):
    with pytest.raises(UserError) as error:
        prepared(folder, classes, *sources)
    return str(error.value)


@pytest.mark.parametrize("left", [["train.tar"], ["train.tar", "val.tar"]])
def test_a_tree_is_taken_whatever_lies_beside_it(tmp_path, classes, capfd, left):
    plant(tmp_path / "data/mini", {"robin/1.png": 1, "wren/1.png": 2})
    for name in left:
        write_tar(tmp_path / "data/mini" / name, {"x": b"of somebody else"})
    assert prepared(tmp_path, classes, ARCHIVES, TREE) == {"robin": [1], "wren": [2]}
    said = "holds train.tar, but not val.tar" if len(left) == 1 else "train.tar: its md5 is"
    assert f"note: {tmp_path / 'data/mini'}" in (note := capfd.readouterr().err)
    assert said in note


def test_every_form_that_is_there_is_named_with_its_fault(tmp_path, classes):
    write_tar(tmp_path / "data/train.tar", {"x": b""})
    plant(tmp_path / "data", {"Robin/1.png": 1, "wren/1.png": 2})
    said = refused(tmp_path, classes, ARCHIVES, TREE)
    assert "holds train.tar, but not val.tar" in said
    assert "1 of 2 classes without images, the first is 'robin': the nearest name is 'Robin'" in said
    assert said.endswith("expected train.tar + val.tar, or an unpacked tree of images")


def test_a_folder_without_any_form_says_what_it_holds(tmp_path, classes):
    (tmp_path / "data/notes.txt").write_text("")
    write_tar(tmp_path / "data/Birds.tar", {"x": b""})
    said = refused(tmp_path, classes, ARCHIVES, TREE)
    assert "holds no mini: it holds 1 archive (Birds.tar) and 1 other file (.txt)" in said


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            ["robin/1.gif", "robin/2.gif"],
            "its folder holds 2 files (.gif), but only .bmp, .jpeg, .jpg, .png, .webp are",
        ),
        (["robbin/1.png"], "the nearest name is 'robbin'"),
        (["heron/1.png"], "it holds 2 images in 2 folders (heron, wren)"),
    ],
)
def test_a_class_without_images_says_why(tmp_path, classes, files, said):
    plant(tmp_path / "data", dict.fromkeys([*files, "wren/1.png"], 1))
    assert said in refused(tmp_path, classes)


def test_a_class_that_is_a_dead_link_says_so(tmp_path, classes, capfd):
    plant(tmp_path / "data", {"wren/1.png": 1})
    (tmp_path / "data/robin").symlink_to(tmp_path / "nowhere")
    assert "'robin'" in refused(tmp_path, classes)
    assert "data/robin: leads nowhere" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("there", "said"),
    [("a.gif", "there is a.gif, but only"), ("A.png", "the nearest name is 'A.png'")],
)
def test_a_listed_image_that_is_missing_says_why(tmp_path, there, said):
    classes = class_list(tmp_path / "classes.csv", "train,x,a.png", "val,y,b.png", columns="split,class,image")
    plant(tmp_path / "data", {there: 1, "b.png": 2})
    assert f"1 of 2 images missing, the first is 'a.png' of class 'x': {said}" in refused(tmp_path, classes)


def test_two_images_of_one_name_are_both_named(tmp_path):
    classes = class_list(tmp_path / "classes.csv", "train,x,a.png", columns="split,class,image")
    plant(tmp_path / "data", {"one/a.png": 1, "two/a.png": 2})
    assert "image 'a.png' is there twice, as one/a.png and as two/a.png" in refused(tmp_path, classes)


def test_another_packing_is_not_verified_and_a_note_says_so(tmp_path, classes, capfd):
    files = {"robin/1.png": png(1), "wren/1.png": png(2)}
    packed = write_tar(tmp_path / "data/birds.tar.gz", files, "w:gz")
    source = SourceEntry(form="images", files=[ArchiveFile(name="birds.tar", checksum="md5:" + "0" * 32)])
    assert prepared(tmp_path, classes, source) == {"robin": [1], "wren": [2]}
    assert "birds.tar.gz: not verified, because only the checksum of birds.tar is known" in capfd.readouterr().err
    digest = hashlib.md5(packed.read_bytes(), usedforsecurity=False).hexdigest()
    source = SourceEntry(form="images", files=[ArchiveFile(name="birds.tar.gz", checksum=f"md5:{digest}")])
    assert prepared(tmp_path, classes, source) == {"robin": [1], "wren": [2]}
    assert "not verified" not in capfd.readouterr().err


def test_images_that_are_nearly_all_equal_are_an_error(tmp_path, classes):
    plant(tmp_path / "data", {"robin/1.png": 0, "robin/2.png": 0, "wren/1.png": 0, "wren/2.png": 5})
    assert "3 of 4 images have the same pixels, as robin/1.png and robin/2.png" in refused(tmp_path, classes)


@pytest.mark.parametrize("name", ["../x", "/x", ".", ""])
def test_a_class_list_names_only_what_lies_below(tmp_path, name):
    (tmp_path / "data").mkdir()
    classes = class_list(tmp_path / "classes.csv", f"train,{name}")
    assert "classes.csv: line 2: class" in refused(tmp_path, classes)
