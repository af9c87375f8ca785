import csv
import hashlib
from itertools import combinations

import numpy as np
import pytest

from mtl.data.glyphs import FACES, Renderer, outline, render
from mtl.data.split import read_class_list
from mtl.experiment.project import read_yaml
from tests.helpers.learners import ROOT

CLASSES = ROOT / "config/splits/glyphs.csv"


@pytest.fixture(scope="module")
def letters():
    with CLASSES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def code_point(row):
    return int(row["class"].removeprefix("U+"), 16)


def test_a_hundred_classes_split_60_20_20_as_the_registry_says():
    entry = read_yaml(ROOT / "config/datasets.yaml")["glyphs"]
    counts = {split: len(names) for split, names in read_class_list(CLASSES).items()}
    assert counts == entry["classes"] == {"train": 60, "val": 20, "test": 20}
    assert entry["images_per_class"] >= 200


def test_no_script_is_in_two_splits(letters):
    scripts = {split: {row["script"] for row in letters if row["split"] == split} for split in ("train", "val", "test")}
    assert all(scripts.values())
    for a, b in combinations(scripts.values(), 2):
        assert not a & b


def test_the_letter_column_is_the_class(letters):
    assert all(chr(code_point(row)) == row["letter"] for row in letters)


@pytest.mark.parametrize("face", FACES)
def test_no_two_classes_share_an_outline(letters, face):
    seen = {}
    for row in letters:
        path = outline(face, code_point(row))
        key = (path.vertices.tobytes(), path.codes.tobytes())
        assert key not in seen, f"{row['letter']} and {seen[key]} are the same drawing in {face}"
        seen[key] = row["letter"]


def test_the_outline_test_would_catch_a_shared_outline():
    # Latin A, Greek Alpha and Cyrillic A are one drawing.
    latin, greek, cyrillic = (outline("DejaVuSans", ord(letter)).vertices for letter in "AΑА")
    assert np.array_equal(latin, greek)
    assert np.array_equal(latin, cyrillic)


def test_an_image_depends_on_its_number_and_seed_only():
    renderer = Renderer(32)
    first = render(ord("A"), 3, 0, renderer)
    render(ord("B"), 0, 0, renderer)
    assert np.array_equal(first, render(ord("A"), 3, 0, renderer))
    assert not np.array_equal(first, render(ord("A"), 4, 0, renderer))
    assert not np.array_equal(first, render(ord("A"), 3, 1, renderer))
    assert first.shape == (32, 32, 3)
    assert first.dtype == np.uint8


def test_golden_digest_of_a_few_images(letters):
    renderer = Renderer(32)
    pixels = np.stack([render(code_point(row), 0, 0, renderer) for row in letters])
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    assert digest == "39763abaf294b670d7b6cb6553add30a44f4596fee5d358f3502471e97404730"
