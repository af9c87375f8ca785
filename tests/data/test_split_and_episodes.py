import csv

import numpy as np
import pytest

from mtl.data.image_set import load_split
from mtl.data.split import SPLITS, read_class_list, read_rows
from mtl.data.stored_episodes import read_episodes, write_episodes
from mtl.runtime.errors import UserError
from mtl.specs.drawing import EpisodesSpec, Stored
from tests.helpers.learners import CPU, STORED


def test_classes_of_the_three_splits_are_disjoint(tiny):
    rows = list(csv.DictReader((tiny / "split.csv").open(encoding="utf-8")))
    classes = [{row["class"] for row in rows if row["split"] == split} for split in SPLITS]
    assert [len(names) for names in classes] == [10, 5, 5]
    assert len(set.union(*classes)) == 20


@pytest.mark.parametrize("split", ["val", "test"])
def test_episodes_hold_rows_of_their_split_only(tiny, split):
    first, classes = read_rows(tiny / "split.csv", split)
    with np.load(tiny / f"{split}.npz") as stored:
        images = np.concatenate([stored["support"].ravel(), stored["query"].ravel()])
    assert images.min() >= first
    assert images.max() < first + len(classes)


def test_episodes_are_the_same_bytes_every_time(tiny, tmp_path):
    for name in ("a", "b"):
        write_episodes(
            EpisodesSpec(split="test", way=5, shot=1, query=3, count=12, seed=0),
            tiny / "split.csv",
            tmp_path / f"{name}.npz",
        )
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    write_episodes(
        EpisodesSpec(split="test", way=5, shot=1, query=3, count=12, seed=1), tiny / "split.csv", tmp_path / "c.npz"
    )
    assert (tmp_path / "a.npz").read_bytes() != (tmp_path / "c.npz").read_bytes()


def test_episode_labels_are_the_classes_of_their_images(tiny, test_images, test_episodes):
    for classes, support in zip(test_episodes.classes, test_episodes.support, strict=True):
        assert np.array_equal(test_images.labels[support], classes)


def test_episodes_of_another_split_are_refused(tiny):
    val = load_split(tiny / "images.npy", tiny / "split.csv", "val", CPU.torch_device)
    with pytest.raises(UserError, match=r"test\.npz: its images are not those of this split"):
        read_episodes(tiny / "test.npz", val, STORED)


def test_a_broken_store_of_episodes_is_one_line(tmp_path, test_images):
    (tmp_path / "x.npz").write_bytes(b"PK nothing")
    with pytest.raises(UserError, match=r"x\.npz: not a store of episodes"):
        read_episodes(tmp_path / "x.npz", test_images, STORED)


def test_a_split_of_the_images_is_read_whole(tiny, test_images):
    pixels = np.load(tiny / "images.npy")
    assert np.array_equal(test_images.images.permute(0, 2, 3, 1).numpy(), pixels[test_images.first_row :])
    assert [len(rows) for rows in test_images.rows_by_class] == [24] * 5


def test_damaged_images_are_one_line(tiny, tmp_path):
    whole = (tiny / "images.npy").read_bytes()
    for name, content in (("short", whole[:5000]), ("text", b"<html>"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=f"{name}: not prepared images"):
            load_split(tmp_path / name, tiny / "split.csv", "test", CPU.torch_device)


def test_images_of_another_split_file_are_refused(tiny, tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((3, 16, 16, 3), np.uint8))
    with pytest.raises(UserError, match=r"does not hold the images of .*split\.csv"):
        load_split(tmp_path / "images.npy", tiny / "split.csv", "test", CPU.torch_device)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_a_bad_split_file_is_one_line(tmp_path, text):
    (tmp_path / "split.csv").write_text(text)
    with pytest.raises(UserError, match=r"split\.csv: expected the columns image, class and split"):
        read_rows(tmp_path / "split.csv", "test")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("split,name\ntrain,a\n", "expected the columns split and class"),
        ("split,class\ntrain,a\ntest,a\n", "line 3: class 'a' stands in train, too"),
        ("split,class\ntrian,a\n", "line 2: split 'trian'"),
    ],
)
def test_a_bad_class_list_is_one_line(tmp_path, text, message):
    (tmp_path / "classes.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        read_class_list(tmp_path / "classes.csv")


@pytest.mark.parametrize("expected", [Stored(count=13, query=3), Stored(count=12, query=4)])
def test_a_store_with_other_numbers_is_refused(tiny, test_images, expected):
    with pytest.raises(
        UserError, match=r"has 12 episodes with 3 query images per class, not 1[23] with [34]; delete it"
    ):
        read_episodes(tiny / "test.npz", test_images, expected)
