"""The right images in the right places, whatever form the dataset has."""

import csv
import hashlib
import io
import json
import pickle

import numpy as np
import pytest

from mtl.data.fetch import fetch
from mtl.data.images_of import found_images
from mtl.data.prepare import PreparePaths, prepare
from mtl.data.source_images import opened
from mtl.data.split import read_class_list, read_split, write_split
from mtl.runtime.errors import UserError
from mtl.specs.datasets import FetchSpec
from mtl.specs.preparing import PrepareSpec
from tests.helpers.archives import jpeg, noise_image, plain_image, python2_pickle, tar_bytes, write_tar
from tests.helpers.datasets import source
from tests.helpers.learners import ROOT

LISTS = {"train": "9525e1538f67719f18f1936bf8d0782d", "val": "ce315ce99b41fbf84fa6acd69315d918"}
LISTS["test"] = "5b89df877c6cbe5d291e43118a2a9591"
CLASSES = {"train": ["n01", "n02"], "val": ["n03", "n04"], "test": ["n05", "n06"]}
RANKS = (2, 3, 5)


def few_images(folder):
    """A class list in the style of miniImageNet: names end in a rank."""
    rows = [
        (split, name, f"{name}{rank:08d}.jpg") for split, names in CLASSES.items() for name in names for rank in RANKS
    ]
    path = folder / "classes.csv"
    path.write_text("split,class,image\n" + "".join(f"{','.join(row)}\n" for row in rows))
    return path


def prepared(folder, classes, origin, images_per_class=3, size=84):
    """Runs the stages from fetch to prepare; returns the pixels, the rows and the summary."""
    out = folder / "resources"
    fetch(
        FetchSpec(dataset="mini", sources=[origin], images_per_class=images_per_class),
        classes,
        str(folder),
        out,
        out / "source.json",
    )
    write_split(found_images(read_class_list(classes), images_per_class, out / "source.json"), out / "split.csv")
    files = [out / name for name in ("images.npy", "samples.png", "summary.json")]
    spec = PrepareSpec(dataset="mini", seed=None, size=size)
    prepare(spec, PreparePaths(out / "split.csv", *files), lambda rows: opened(spec, rows, out / "source.json", "", 2))
    return np.load(files[0]), read_split(out / "split.csv"), json.loads(files[2].read_text())


def value_of(row):
    """The grey value that stands for an image: 10 x class + rank."""
    return 10 * int(row.class_name[1:]) + int(row.image[3:11])


def test_the_lists_are_those_of_ravi_and_larochelle():
    listed = read_class_list(ROOT / "config/splits/miniimagenet.csv")
    for split, classes in listed.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["filename", "label"])
        writer.writerows((image, name) for name, images in classes.items() for image in images)
        assert hashlib.md5(text.getvalue().encode(), usedforsecurity=False).hexdigest() == LISTS[split]


@pytest.fixture
def jpegs(tmp_path):
    """A class list and the JPEG files it names."""
    classes = few_images(tmp_path)
    listed = [image for names in read_class_list(classes).values() for images in names.values() for image in images]
    return classes, {image: jpeg(noise_image()) for image in listed}


@pytest.mark.parametrize("size", [84, 42])
def test_tree_and_tar_give_the_same_pixels(tmp_path, jpegs, size):
    classes, images = jpegs
    pixels = []
    for form in ("tree", "flat", "xz"):
        folder = tmp_path / form
        folder.mkdir()
        if form == "xz":
            shuffled = {f"images/{name}": images[name] for name in sorted(images, reverse=True)}
            write_tar(folder / "mini.tar.xz", {**shuffled, "images/other.jpg": b"not wanted"}, "w:xz")
        else:
            for name, content in images.items():
                path = folder / "mini" / ("images" if form == "flat" else f"somewhere/{name[:3]}") / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        origin = source("images", *(["mini.tar.xz"] if form == "xz" else []))
        pixels.append(prepared(folder, classes, origin, size=size)[0])
    assert pixels[0].shape == (18, size, size, 3)
    assert all(np.array_equal(pixels[0], other) for other in pixels[1:])


def test_an_image_of_the_right_size_is_not_touched(tmp_path, jpegs):
    from PIL import Image

    classes, images = jpegs
    write_tar(tmp_path / "mini.tar", images)
    pixels, rows, summary = prepared(tmp_path, classes, source("images", "mini.tar"))
    for row, image in zip(rows, pixels, strict=True):
        assert np.array_equal(image, np.asarray(Image.open(io.BytesIO(images[row.image]))))
    assert summary["source_sizes"] == {"84x84": 18}
    assert summary["sha256"] == hashlib.sha256(pixels.tobytes()).hexdigest()
    assert summary["classes"] == {"train": 2, "val": 2, "test": 2}


@pytest.mark.parametrize("dump", [pickle.dumps, python2_pickle])
@pytest.mark.parametrize("archive", [True, False])
def test_pickles(tmp_path, dump, archive):
    classes = few_images(tmp_path)
    caches = {}
    for split, names in CLASSES.items():
        # Classes in another order than in the list, and with their images interleaved.
        order = [(rank, name) for rank in RANKS for name in reversed(names)]
        indices = {name: [i for i, (_, other) in enumerate(order) if other == name] for name in names}
        data = np.stack([plain_image(10 * int(name[1:]) + rank) for rank, name in order])
        caches[f"mini-imagenet-cache-{split}.pkl"] = dump({"image_data": data, "class_dict": indices})
    if archive:
        write_tar(tmp_path / "mini.tar.gz", caches, "w:gz")
        origin = source("pickles", "mini.tar.gz")
    else:
        for name, content in caches.items():
            (tmp_path / name).write_bytes(content)
        origin = source("pickles", *caches)
    pixels, rows, _ = prepared(tmp_path, classes, origin, size=16)
    assert [int(image[0, 0, 0]) for image in pixels] == [value_of(row) for row in rows]


@pytest.mark.parametrize("named", [True, False])
def test_labelled_pickles(tmp_path, named):
    """With names of classes as in miniImageNet's; without, labels count all classes by name as in FC100's."""
    classes = few_images(tmp_path)
    everyone = sorted(name for names in CLASSES.values() for name in names)
    files = {}
    for split, names in CLASSES.items():
        order = [(rank, name) for rank in RANKS for name in reversed(names)]
        counted = enumerate(reversed(names)) if named else enumerate(everyone)
        number = {name: index for index, name in counted}
        content = {
            "data": np.stack([plain_image(10 * int(name[1:]) + rank) for rank, name in order]),
            "labels": [number[name] for _, name in order],
        }
        files[f"mini_{split}.pickle"] = python2_pickle(content | ({"catname2label": number} if named else {}))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    pixels, rows, _ = prepared(tmp_path, classes, source("labelled_pickles", *files), size=16)
    assert [int(image[0, 0, 0]) for image in pixels] == [value_of(row) for row in rows]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": [0, 1]}, "'labels' are not one whole number for each image"),
        ({"labels": [9] * 6}, "label 9 is that of no class"),
        ({"labels": [0, 0, 0, 0, 1, 1]}, "class n01 has 4 images, not 3"),
        ({"catname2label": ["n01"]}, "'catname2label' does not map names of classes to numbers"),
    ],
)
def test_labelled_pickles_that_make_no_sense(tmp_path, change, said):
    classes = few_images(tmp_path)
    content = {"data": np.zeros((6, 8, 8, 3), np.uint8), "labels": [0, 0, 0, 1, 1, 1]}
    (tmp_path / "mini_train.pickle").write_bytes(pickle.dumps(content | change))
    with pytest.raises(UserError, match=f"mini_train.pickle: {said}"):
        prepared(tmp_path, classes, source("labelled_pickles", "mini_train.pickle"), size=16)


def test_ilsvrc_by_the_rank_rule(tmp_path):
    classes = few_images(tmp_path)
    inner = {}
    for name in ["n00", *(name for names in CLASSES.values() for name in names)]:
        # Numbers are neither padded nor in order, so neither name nor position reveals the rank.
        numbers = [4000, 77, 12345, 900, 3]
        ranks = {number: rank for rank, number in enumerate(sorted(numbers), start=1)}
        pictures = {
            f"{name}_{number}.JPEG": jpeg(plain_image(10 * int(name[1:]) + ranks[number], 100)) for number in numbers
        }
        inner[f"{name}.tar"] = tar_bytes(pictures)
    write_tar(tmp_path / "ILSVRC2012_img_train.tar", inner)
    origin = source("ilsvrc", "ILSVRC2012_img_train.tar")
    pixels, rows, summary = prepared(tmp_path, classes, origin, size=16)
    assert [int(image[8, 8, 0]) for image in pixels] == [value_of(row) for row in rows]
    assert summary["source_sizes"] == {"100x100": 18}


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    """An archive in CIFAR-100's exact format; the first three values of an image are its fine label and its number."""
    folder = tmp_path_factory.mktemp("cifar")
    rows = list(csv.DictReader((ROOT / "config/splits/fc100.csv").open()))
    fine = sorted(row["class"] for row in rows)
    superclasses = {row["class"]: row["superclass"] for row in rows}
    coarse = sorted(set(superclasses.values()))
    rng = np.random.default_rng(0)
    parts = {"meta": python2_pickle({"fine_label_names": fine, "coarse_label_names": coarse})}
    for part, per_class in (("train", 500), ("test", 100)):
        labels = rng.permutation(np.repeat(np.arange(100), per_class))
        data = np.zeros((len(labels), 3, 1024), np.uint8)
        number = np.zeros(len(labels), int)
        for label in range(100):
            number[labels == label] = np.arange(per_class) + (0 if part == "train" else 500)
        for channel, value in enumerate((labels, number // 256, number % 256)):
            data[:, channel] = value[:, None]
        content = {
            "filenames": [f"{fine[label]}_s_{i:06d}.png" for i, label in enumerate(labels)],
            "batch_label": "training batch 1 of 1" if part == "train" else "testing batch 1 of 1",
            "fine_labels": labels.tolist(),
            "coarse_labels": [coarse.index(superclasses[fine[label]]) for label in labels],
            "data": data.reshape(len(labels), 3072),
        }
        parts[part] = python2_pickle(content)
    write_tar(
        folder / "cifar-100-python.tar.gz", {f"cifar-100-python/{name}": text for name, text in parts.items()}, "w:gz"
    )
    return folder, fine


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "counts"), [("fc100", (60, 20, 20)), ("cifar-fs", (64, 16, 20))])
def test_cifar100(cifar, dataset, counts):
    folder, fine = cifar
    classes = ROOT / f"config/splits/{dataset}.csv"
    origin = source("cifar100", "cifar-100-python.tar.gz")
    pixels, rows, summary = prepared(folder, classes, origin, images_per_class=600, size=32)
    assert tuple(summary["classes"].values()) == counts
    assert summary["images_per_class"] == {"least": 600, "most": 600}
    assert [fine[image[0, 0, 0]] for image in pixels] == [row.class_name for row in rows]
    assert [int(image[0, 0, 1]) * 256 + int(image[0, 0, 2]) for image in pixels] == [*range(600)] * 100


def test_no_superclass_of_fc100_is_in_two_splits():
    rows = list(csv.DictReader((ROOT / "config/splits/fc100.csv").open()))
    by_split = {split: {row["superclass"] for row in rows if row["split"] == split} for split in CLASSES}
    assert [len(names) for names in by_split.values()] == [12, 4, 4]
    assert len(set.union(*by_split.values())) == 20


def test_ones_own_dataset_needs_a_folder_per_class_and_a_split(tmp_path):
    for split, names in CLASSES.items():
        for name in names:
            folder = tmp_path / "mini" / split / name
            folder.mkdir(parents=True)
            for image in range(3 + (name == "n05")):
                # The same names in every class.
                (folder / f"{image}.png").write_bytes(jpeg(plain_image(10 * int(name[1:]) + image, 20 + image)))
            (folder / "notes.txt").write_text("no image")
    classes = tmp_path / "classes.csv"
    classes.write_text("class,split\n" + "".join(f"{n},{split}\n" for split, names in CLASSES.items() for n in names))
    pixels, rows, summary = prepared(tmp_path, classes, source("images"), size=16)
    assert [int(image[8, 8, 0]) for image in pixels] == [10 * int(r.class_name[1:]) + int(r.image[4]) for r in rows]
    assert summary["images_per_class"] == {"least": 3, "most": 4}
    assert summary["source_sizes"] == {"20x20": 6, "21x21": 6, "22x22": 6, "23x23": 1}


def test_one_class_in_two_folders_is_refused(tmp_path):
    classes = tmp_path / "classes.csv"
    classes.write_text("class,split\nrobin,train\n")
    for folder in ("images/robin", "masks/robin"):
        (tmp_path / "mini" / folder).mkdir(parents=True)
        (tmp_path / "mini" / folder / "1.png").write_bytes(b"")
    with pytest.raises(
        UserError, match="images/robin and masks/robin hold images of class 'robin'; name one of them by its path"
    ):
        prepared(tmp_path, classes, source("images"))


def test_duplicates_are_found_within_and_across_splits(tmp_path, capfd):
    classes = few_images(tmp_path)
    same, twice = jpeg(noise_image()), jpeg(noise_image())
    images = {
        image: jpeg(noise_image())
        for names in read_class_list(classes).values()
        for listed in names.values()
        for image in listed
    }
    images.update(
        {"n0100000002.jpg": same, "n0300000005.jpg": same, "n0500000002.jpg": twice, "n0600000003.jpg": twice}
    )
    write_tar(tmp_path / "mini.tar", images)
    _, _, summary = prepared(tmp_path, classes, source("images", "mini.tar"))
    assert summary["duplicates"] == {
        "train, val": [["n0100000002.jpg", "n0300000005.jpg"]],
        "test": [["n0500000002.jpg", "n0600000003.jpg"]],
    }
    output = capfd.readouterr().err
    assert "note: 1 group of equal images between train and val: n0100000002.jpg = n0300000005.jpg" in output
