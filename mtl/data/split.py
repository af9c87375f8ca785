"""The `split` stage: which image belongs to which class and split, one row an image."""

import csv
import io
from pathlib import Path

from mtl.runtime.errors import UserError
from mtl.runtime.files import write_text

SPLITS = ("train", "val", "test")


def read_classes(path: Path) -> dict[str, list[str]]:
    """Reads a class list (columns `split,class,...`): the classes of each split, in the order of the file.

    Raises:
        UserError: a column is missing, a split is unknown, or a class stands twice.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    classes: dict[str, list[str]] = {split: [] for split in SPLITS}
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        if "split" not in row or "class" not in row:
            raise UserError(f"{path}: expected the columns split and class")
        if row["split"] not in classes:
            raise UserError(f"{path}: line {number}: split {row['split']!r} is none of {', '.join(SPLITS)}")
        if row["class"] in seen:
            raise UserError(f"{path}: line {number}: class {row['class']!r} stands twice")
        seen.add(row["class"])
        classes[row["split"]].append(row["class"])
    return classes


def write_split(classes: dict[str, list[str]], images_per_class: int, output: Path) -> None:
    """Writes `split.csv` (columns `image,class,split`), ordered by split and class: row i is image i of the dataset."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "class", "split"])
    for split in SPLITS:
        for name in classes[split]:
            writer.writerows([f"{name}/{image:04d}", name, split] for image in range(images_per_class))
    write_text(output, text.getvalue())
