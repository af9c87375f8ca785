"""Pickles that would run code, access foreign memory, or hold something unexpected."""

import pickle
import re

import numpy as np
import pytest

from tests.helpers.archives import Bomb
from tests.helpers.datasets import refused


@pytest.mark.parametrize("mode", ["plain", "in a list", "numpy object"])
def test_a_pickle_that_would_run_code_is_refused(stage, tmp_path, mode):
    (tmp_path / "data").mkdir()
    bomb = Bomb(tmp_path / "exploded")
    content = {"image_data": bomb, "class_dict": {}}
    if mode == "in a list":
        content = {"image_data": [np.zeros(3), [bomb]], "class_dict": {}}
    elif mode == "numpy object":
        content = {"image_data": np.array([bomb], dtype=object), "class_dict": {}}
    (tmp_path / "data/mini.pkl").write_bytes(pickle.dumps(content))
    line = refused(stage, tmp_path, "pickles", "mini.pkl")
    assert re.search("refused or damaged pickle: it (would call|holds an array of type .O8)", line)
    assert not (tmp_path / "exploded").exists()


class Forged:
    """NumPy takes these bytes for pointers to objects."""

    def __reduce__(self):
        return (np.ndarray, ((1,), np.dtype("O"), b"\x41" * 8))


class Endless:
    """Ten gigabytes made of one byte, with a stride of zero."""

    def __reduce__(self):
        return (np.ndarray, ((2, 60000, 60000, 3), np.dtype("u1"), b"x", 0, (0, 0, 0, 0)))


@pytest.mark.parametrize(
    "content",
    [
        {"image_data": np.zeros((2, 4, 4, 3), np.uint8), "class_dict": {"n01": Forged()}},
        {"image_data": Endless(), "class_dict": {"n01": [0, 1]}},
        {"image_data": np.array([None, [1]], dtype=object), "class_dict": {}},
    ],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_a_pickle_does_not_reach_numpys_constructors(stage, tmp_path, content, protocol):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mini.pkl").write_bytes(pickle.dumps(content, protocol))
    assert "mini.pkl: refused or damaged pickle: " in refused(stage, tmp_path, "pickles", "mini.pkl")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged"),
        (b"not a pickle", "refused or damaged pickle"),
        (pickle.dumps([1]), "expected a pickled dictionary"),
        (pickle.dumps({"image_data": np.zeros((2, 4, 4, 3))}), "'image_data' is not an array of uint8"),
        (pickle.dumps({"image_data": np.zeros((2, 4, 4, 3), np.uint8)}), "'class_dict' is missing"),
        (
            pickle.dumps({"image_data": np.zeros((2, 4, 4, 3), np.uint8), "class_dict": {"n01": [0, 1, 1]}}),
            "class n01 has not 2 images",
        ),
        (
            pickle.dumps({"image_data": np.zeros((2, 4, 4, 3), np.uint8), "class_dict": {"n01": [0, -1]}}),
            "class n01: there is no image -1",
        ),
        (
            pickle.dumps({"image_data": np.zeros((2, 4, 4, 3), np.uint8), "class_dict": {"n01": ["a", "b"]}}),
            "class n01 has not 2 images",
        ),
    ],
)
def test_a_damaged_pickle_is_one_line(stage, tmp_path, content, message):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mini.pkl").write_bytes(content)
    assert message in refused(stage, tmp_path, "pickles", "mini.pkl")
