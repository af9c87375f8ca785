"""Compares split and prepared images of a dataset with what the config asks."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl.data.archives.members import stem
from mtl.data.split import SPLITS, ClassList, read_class_list, read_split
from mtl.reporting.comparison import OTHERWISE, Problems, compared
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record, sha256
from mtl.specs.datasets import SourceEntry
from mtl.specs.preparing import AskedImages
from mtl.specs.reading import to_plain

RESOURCES = Path("resources")


def images_not_as_asked(asked: AskedImages) -> Problems:
    """Split and summary of prepared images that are missing or differ from what the config asks."""
    dataset, size = asked.spec.dataset, asked.spec.size
    split, summary = RESOURCES / dataset / "split.csv", RESOURCES / dataset / f"{size}px" / "summary.json"
    yield from compared(summary, to_plain(asked.spec), "spec")
    try:
        made: dict[str, Any] = dict(read_record(summary))
        in_folders = bool(made["source"]) and made["source"]["form"] == "images"
        if problem := _of_summary(made, asked, split):
            yield summary, problem
    except (UserError, KeyError, TypeError, ValueError):
        # The summary is missing or damaged, which is said elsewhere.
        in_folders = asked.kind == "images"
    if asked.kind == "images":
        yield from _of_source(RESOURCES / dataset / "source.json", asked)
    if not split.is_file():
        yield split, "missing"
    elif problem := _of_split(split, asked, in_folders):
        yield split, problem


def other_images_since(record: Path) -> bool:
    """Whether the images that a stage read, as its record says, have been prepared otherwise since."""
    images = read_record(record, "provenance", "inputs", "images")
    summary = Path(images["path"]).with_name("summary.json")
    try:
        return bool(read_record(summary, "images_sha256") != images["sha256"])
    except UserError:  # gone, or of an earlier version
        return False


def _of_summary(made: Mapping[str, Any], asked: AskedImages, split: Path) -> str | None:
    # Images that were prepared by an earlier version do not say from which split.
    if "split" in made and split.is_file() and made["split"] != sha256(split):
        return f"stale: {split} has been replaced since"
    source = made["source"]
    dataset = asked.spec.dataset
    if (source is None) != (asked.kind == "glyphs"):
        was = "rendered" if source is None else "read from files"
        return f"{OTHERWISE} (the images were {was}, asked {dataset}.kind {asked.kind})"
    # A tree of images has no files, and is what its owner says it is.
    if source and source["files"] and not any(_is(source, entry) for entry in asked.sources):
        files = " and ".join(source["files"])
        return f"{OTHERWISE} (made from {source['form']} {files}, none of {dataset}.sources of config/datasets.yaml)"
    return None


def _of_source(record: Path, asked: AskedImages) -> Problems:
    """Which folders are parts of one class decides what `split.csv` lists."""
    try:
        merge, form = (read_record(record, key) for key in ("merge", "form"))
    except UserError:
        return  # it is missing or damaged, which is said elsewhere
    if not any(entry.form == form and entry.merge == merge for entry in asked.sources):
        yield record, f"{OTHERWISE} ({asked.spec.dataset}.sources: no {form} with merge {json.dumps(merge)})"


def _is(source: Mapping[str, Any], entry: SourceEntry) -> bool:
    """Whether images come from a source of the config. Records hold SHA-256, so MD5 cannot be compared."""
    found: dict[str, str] = source["files"]
    if source["form"] != entry.form or {stem(name) for name in found} != {stem(file.name) for file in entry.files}:
        return False
    sums = {file.name: file.checksum for file in entry.files if str(file.checksum).startswith("sha256:")}
    return all(f"sha256:{found[name]}" == checksum for name, checksum in sums.items() if name in found)


def _of_split(split: Path, asked: AskedImages, in_folders: bool) -> str | None:
    class_list = Path(asked.class_list)
    listed = read_class_list(class_list)
    try:
        made = _classes(split)
    except UserError:
        return None  # it is damaged, as its checksum says
    if {name: list(classes) for name, classes in made.items()} != {name: list(listed[name]) for name in SPLITS}:
        return f"{OTHERWISE} (other classes than {class_list} lists, or in another order)"
    if any(images for classes in listed.values() for images in classes.values()):
        return None if made == listed else f"{OTHERWISE} (other images than {class_list} lists)"
    counts = {len(images) for classes in made.values() for images in classes.values()}
    least = asked.images_per_class
    # A class has all images of its folder. Elsewhere images have numbers, and a class has as many as the config says.
    if min(counts) < least or (max(counts) > least and not in_folders):
        return f"{OTHERWISE} (images_per_class {min(counts)}, asked {least})"
    return None


def _classes(split: Path) -> ClassList:
    classes: ClassList = {name: {} for name in SPLITS}
    for row in read_split(split):
        classes[row.split].setdefault(row.class_name, []).append(row.image)
    return classes
