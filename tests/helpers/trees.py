"""Trees of image files, each of one grey value that says which it is, and their way to prepared pixels."""

import io
import shutil
import zipfile

import numpy as np
from PIL import Image

from mtl.data.fetch import fetch
from mtl.data.images_of import found_images
from mtl.data.prepare import PreparePaths, prepare
from mtl.data.source_images import opened
from mtl.data.split import read_class_list, read_split, write_split
from mtl.specs.datasets import FetchSpec, SourceEntry
from mtl.specs.preparing import PrepareSpec

TREE = SourceEntry(form="images")


def png(value):
    """An image of one grey value."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (value, value, value)).save(file, "PNG")
    return file.getvalue()


def plant(root, values):
    """Writes files: path below `root` -> grey value."""
    for name, value in values.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(value))


def write_zip(path, files):
    """A zip of `files`: name -> bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def class_list(path, *rows, columns="split,class"):
    path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    return path


def prepared(folder, classes, *sources, images_per_class=1, data="data"):
    """Runs fetch, split and prepare on `folder/data`; returns class -> the sorted grey values of its images."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    source = out / "source.json"
    spec = FetchSpec(dataset="mini", sources=list(sources) or [TREE], images_per_class=images_per_class)
    fetch(spec, classes, str(folder / data), out / "archives", source)
    write_split(found_images(read_class_list(classes), images_per_class, source), out / "split.csv")
    files = PreparePaths(out / "split.csv", *(out / name for name in ("images.npy", "samples.png", "summary.json")))
    told = PrepareSpec(dataset="mini", seed=None, size=4)
    prepare(told, files, lambda rows: opened(told, rows, source, "", 1))
    found = {}
    for row, image in zip(read_split(out / "split.csv"), np.load(out / "images.npy"), strict=True):
        found.setdefault(row.class_name, []).append(int(image[0, 0, 0]))
    return {name: sorted(grey) for name, grey in found.items()}
