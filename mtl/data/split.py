"""The `split` stage: which image belongs to which class and split, one row per image."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mtl.runtime.errors import UserError
from mtl.runtime.files import write_csv

SPLITS = ("train", "val", "test")
ClassList = dict[str, dict[str, list[str]]]


class Row(NamedTuple):
    """A row of `split.csv`: row i is image i of the prepared dataset."""

    image: str
    class_name: str
    split: str


def read_class_list(path: Path) -> ClassList:
    """Reads which classes and images are in each split: split -> class -> its images, in the order of the file.

    The file has the columns `split,class`, with one row per class, or `split,class,image`, with one row per image (as
    in the lists of Ravi and Larochelle). Without a column `image`, the lists of images are empty. If there is a column
    `superclass`, each super-class must stay within one split (as in FC100).

    Raises:
        UserError: a column is missing, a split is unknown, a class, an image or a super-class occurs twice, or a name
            is not a path below a folder.
    """
    classes: ClassList = {split: {} for split in SPLITS}
    split_of: dict[tuple[str, str], str] = {}
    images: set[str] = set()
    for number, row in _rows(path, ("split", "class")):
        split = row["split"]
        name, image = (_path(row, key, f"{path}: line {number}") for key in ("class", "image"))
        if split not in classes:
            raise UserError(f"{path}: line {number}: split {split!r} is none of {', '.join(SPLITS)}")
        for kind, group in (("class", str(name)), ("superclass", row.get("superclass"))):
            if group is not None and (other := split_of.setdefault((kind, group), split)) != split:
                raise UserError(f"{path}: line {number}: {kind} {group!r} stands in {other}, too")
        if image in images or (image is None and name in classes[split]):
            what = f"class {name!r}" if image is None else f"image {image!r}"
            raise UserError(f"{path}: line {number}: {what} stands twice")
        listed = classes[split].setdefault(str(name), [])
        if image is not None:
            images.add(image)
            listed.append(image)
    return classes


def images_by_class(classes: ClassList) -> dict[str, list[str]]:
    """The names of the images of each class, of all splits."""
    return {name: images for of_split in classes.values() for name, images in of_split.items()}


def write_split(classes: Mapping[str, Mapping[str, list[str]]], output: Path) -> None:
    """Writes `split.csv` (columns `image,class,split`), ordered by split and class."""
    rows = [Row(image, name, split) for split in SPLITS for name, images in classes[split].items() for image in images]
    write_csv(output, ["image", "class", "split"], rows)


def read_split(path: Path) -> list[Row]:
    """Reads `split.csv`.

    Raises:
        UserError: the file is malformed.
    """
    return [Row(row["image"], row["class"], row["split"]) for _, row in _rows(path, ("image", "class", "split"))]


def read_rows(path: Path, split: str) -> tuple[int, list[str]]:
    """The first row of a split in `split.csv` and the class of each of its images.

    Raises:
        UserError: the split is empty, or its rows are not contiguous.
    """
    rows = read_split(path)
    indices = [index for index, row in enumerate(rows) if row.split == split]
    if not indices or indices[-1] - indices[0] + 1 != len(indices):
        raise UserError(f"{path}: the rows of split {split!r} must be there and stand together")
    return indices[0], [rows[index].class_name for index in indices]


def _path(row: Mapping[str, str], key: str, where: str) -> str | None:
    """The name of a class or an image, which may be a path; None without such a column."""
    if key not in row:
        return None
    if "/" not in row[key] and row[key].strip("."):
        return row[key]
    path = PurePosixPath(row[key])
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise UserError(f"{where}: {key} {row[key]!r} is not the name of a folder or file, or the end of its path")
    return str(path)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV with their line numbers."""
    wanted = f"{', '.join(columns[:-1])} and {columns[-1]}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not set(columns) <= set(reader.fieldnames or ()):
                raise UserError(f"{path}: expected the columns {wanted}")
            for row in reader:
                if None in row or None in row.values():
                    raise UserError(f"{path}: line {reader.line_num}: not as many values as columns")
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a CSV file in UTF-8 ({error})") from None
