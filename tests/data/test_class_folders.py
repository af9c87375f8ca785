"""Which images belong to which class, in the shapes that trees are published in."""

import os
import tarfile

import pytest

from mtl.runtime.errors import UserError
from mtl.specs.datasets import ArchiveFile, SourceEntry
from tests.helpers.archives import write_tar
from tests.helpers.trees import class_list, plant, png, prepared, write_zip

MERGED = SourceEntry(form="images", merge=["train", "test"])


def listed(folder, *classes):
    return class_list(folder / "classes.csv", *(f"train,{name}" for name in classes))


def test_a_path_names_a_folder(tmp_path):
    values = {f"images_background/{a}/character{c:02d}/{c}.png": 10 * i + c for i, a in enumerate("GL") for c in (1, 2)}
    plant(tmp_path / "data", values)
    classes = listed(tmp_path, "G/character01", "images_background/L/character02")
    assert prepared(tmp_path, classes) == {"G/character01": [1], "images_background/L/character02": [12]}
    with pytest.raises(UserError, match="G/character01 and images_background/L/character01 hold images of class 'char"):
        prepared(tmp_path, listed(tmp_path, "character01"))


def test_images_one_folder_deeper(tmp_path):
    plant(tmp_path / "data", {"train/n01/images/1.png": 1, "train/n01/images/2.png": 2, "train/n02/images/1.png": 3})
    assert prepared(tmp_path, listed(tmp_path, "n01", "n02")) == {"n01": [1, 2], "n02": [3]}
    plant(tmp_path / "data", {"train/n01/boxes/1.png": 9})
    with pytest.raises(
        UserError, match=r"class 'n01' are in 2 folders below train/n01 \(train/n01/boxes, train/n01/im"
    ):
        prepared(tmp_path, listed(tmp_path, "n01", "n02"))
    assert prepared(tmp_path, listed(tmp_path, "n01/images", "n02")) == {"n01/images": [1, 2], "n02": [3]}


def test_images_in_the_folder_come_before_those_below(tmp_path, capfd):
    plant(tmp_path / "data", {"robin/1.png": 1, "robin/masks/1.png": 9, "wren/1.png": 2})
    assert prepared(tmp_path, listed(tmp_path, "robin", "wren")) == {"robin": [1], "wren": [2]}
    assert "images that belong to no class of the list: 1" in capfd.readouterr().err


def test_the_inner_of_two_classes_has_the_images(tmp_path):
    plant(tmp_path / "data", {"fruit/1.png": 1, "fruit/apple/1.png": 2})
    assert prepared(tmp_path, listed(tmp_path, "fruit", "apple")) == {"fruit": [1], "apple": [2]}
    (tmp_path / "data/fruit/1.png").unlink()
    with pytest.raises(UserError, match="1 of 2 classes without images, the first is 'fruit'"):
        prepared(tmp_path, listed(tmp_path, "fruit", "apple"))


def test_parts_are_merged_only_if_the_source_says_so(tmp_path):
    # The same names in both parts.
    plant(
        tmp_path / "data", {"train/apple/1.png": 1, "train/pear/1.png": 2, "test/apple/1.png": 3, "test/pear/2.png": 4}
    )
    classes = listed(tmp_path, "apple", "pear")
    with pytest.raises(
        UserError, match=r"test/apple and train/apple hold images .* or let the source `merge` the folders"
    ):
        prepared(tmp_path, classes)
    assert prepared(tmp_path, classes, MERGED) == {"apple": [1, 3], "pear": [2, 4]}
    plant(tmp_path / "data", {"masks/apple/1.png": 9})
    with pytest.raises(UserError, match="masks/apple and test/apple and train/apple hold images"):
        prepared(tmp_path, classes, MERGED)


def test_parts_that_hold_whole_classes_need_no_merging(tmp_path):
    plant(tmp_path / "data", {"train/apple/1.png": 1, "test/pear/1.png": 2})
    assert prepared(tmp_path, listed(tmp_path, "apple", "pear"), MERGED) == {"apple": [1], "pear": [2]}


def test_a_list_of_images_may_mix_depths_and_parts(tmp_path):
    plant(tmp_path / "data", {"train/apple/1.png": 1, "test/apple/1.png": 2, "pear.png": 3, "x/pear.png": 4})
    rows = ["train,apple,./train/apple/1.png", "train,apple,test/apple/1.png", "val,pear,x/pear.png"]
    classes = class_list(tmp_path / "classes.csv", *rows, columns="split,class,image")
    assert prepared(tmp_path, classes) == {"apple": [1, 2], "pear": [4]}


@pytest.mark.parametrize("name", ["Birds.ZIP", "birds.tar.gz", "birds.tgz", "birds.TAR"])
def test_an_archive_may_be_packed_in_another_way(tmp_path, name):
    files = {"x/robin/1.png": png(1), "x\\wren\\1.png" if name.endswith("ZIP") else "x/wren/1.png": png(2)}
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / name
    if name.endswith("ZIP"):
        write_zip(path, files)
    else:
        write_tar(path, files, "w" if name.endswith("TAR") else "w:gz")
    source = SourceEntry(form="images", files=[ArchiveFile(name="birds.tar")])
    assert prepared(tmp_path, listed(tmp_path, "robin", "wren"), source) == {"robin": [1], "wren": [2]}


@pytest.mark.parametrize("name", ["../robin/1.png", "/robin/1.png"])
def test_a_zip_that_leads_out_of_itself_is_refused(tmp_path, name):
    (tmp_path / "data").mkdir()
    write_zip(tmp_path / "data/birds.zip", {name: png(1)})
    source = SourceEntry(form="images", files=[ArchiveFile(name="birds.zip")])
    with pytest.raises(UserError, match=r"birds.zip: refused: .* would be outside the destination"):
        prepared(tmp_path, listed(tmp_path, "robin"), source)


def test_folders_written_on_a_mac_match_names_written_elsewhere(tmp_path):
    plant(tmp_path / "data", {"cafe\u0301/1.png": 1})
    assert prepared(tmp_path, listed(tmp_path, "caf\u00e9")) == {"caf\u00e9": [1]}


def test_a_name_that_is_no_text_is_named(tmp_path):
    plant(tmp_path / "data", {"robin/1.png": 1})
    (tmp_path / "data/robin/1.png").rename(os.fsdecode(os.fsencode(tmp_path / "data/robin") + b"/caf\xe9.png"))
    with pytest.raises(UserError, match=r"image 'robin/caf\\udce9.png': its name is not text in UTF-8"):
        prepared(tmp_path, listed(tmp_path, "robin"))


def test_parts_are_told_apart_whatever_the_depth_of_their_images(tmp_path):
    plant(tmp_path / "data", {"train/n01/images/1.png": 1, "train/n01/images/2.png": 2, "test/n01/9.png": 9})
    with pytest.raises(UserError, match="test/n01 and train/n01 hold images of class 'n01'"):
        prepared(tmp_path, listed(tmp_path, "n01"))
    assert prepared(tmp_path, listed(tmp_path, "n01"), MERGED) == {"n01": [1, 2, 9]}


def test_an_image_named_on_a_mac_is_found(tmp_path):
    plant(tmp_path / "data", {"cafe\u0301.png": 1})
    classes = class_list(tmp_path / "classes.csv", "train,x,caf\u00e9.png", columns="split,class,image")
    assert prepared(tmp_path, classes) == {"x": [1]}


def test_links_within_a_tar_are_the_files_that_they_name(tmp_path):
    (tmp_path / "data").mkdir()
    hard, soft, lost = (tarfile.TarInfo(f"robin/{number}.png") for number in (2, 3, 4))
    hard.type, hard.linkname = tarfile.LNKTYPE, "robin/1.png"
    soft.type, soft.linkname = tarfile.SYMTYPE, "1.png"
    lost.type, lost.linkname = tarfile.SYMTYPE, "nowhere.png"
    files = {"robin/1.png": png(1), "robin/5.png": png(7), "wren/1.png": png(5), "wren/2.png": png(6)}
    write_tar(tmp_path / "data/birds.tar", {**files, "h": hard, "s": soft, "l": lost})
    source = SourceEntry(form="images", files=[ArchiveFile(name="birds.tar")])
    assert prepared(tmp_path, listed(tmp_path, "robin", "wren"), source) == {"robin": [1, 1, 1, 7], "wren": [5, 6]}
