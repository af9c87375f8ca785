"""The `prepare` stage: every image of a dataset as one uint8 array that can be memory-mapped."""

import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mtl.data.inspection import inspect
from mtl.data.origin import Origin
from mtl.data.samples import write_samples
from mtl.data.source import LOOK_AGAIN
from mtl.data.split import Row, read_split
from mtl.runtime.errors import UserError
from mtl.runtime.files import atomic, write_json
from mtl.runtime.progress import Progress
from mtl.specs.preparing import PrepareSpec

Opened = Callable[[list[Row]], Origin]
REPORT_EVERY = 5000  # images
SHOWN = 10  # groups of duplicates in the log; the summary has all
MOST_EQUAL = 0.5  # of all images; more were read wrongly


@dataclass(frozen=True)
class PreparePaths:
    """What preparation reads and writes."""

    split: Path
    images: Path
    samples: Path
    summary: Path


def prepare(spec: PrepareSpec, paths: PreparePaths, opened: Opened, reference: str | None = None) -> None:
    """Prepares a dataset at one image size.

    `images` becomes a .npy of shape (images, size, size, 3), where row i is row i of `split`; `samples` is a picture of
    some of them; `summary` holds their counts, the source, the duplicates and the SHA-256 of the pixels. Images of
    another size are scaled directly to the square, as in mini-imagenet-tools, with an antialiasing bilinear filter.

    Other packages, another CPU or another source may give pixels with a SHA-256 other than `reference`. This is noted
    in one line and recorded, because results then agree only within their intervals.

    Args:
        spec: dataset and size.
        paths: the files to read and write.
        opened: returns the images for the rows of `split.csv`.
        reference: the expected SHA-256 of the pixels, if known.

    Raises:
        UserError: an image is missing, damaged or absurdly large, most are equal, or the disk is full.
    """
    rows = read_split(paths.split)
    origin = opened(rows)
    with atomic(paths.images) as temporary:
        sizes = _fill(temporary, spec, rows, origin)
        content = _summary(spec, rows, origin, temporary, sizes, reference)
        pixels = np.load(temporary, mmap_mode="r")
        write_samples(pixels, [row.class_name for row in rows], paths.samples)
        write_json(paths.summary, content)
    _say(spec, content)


def _fill(path: Path, spec: PrepareSpec, rows: list[Row], origin: Origin) -> Counter[str]:
    """Writes the pixels and counts the original image sizes."""
    pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(rows), spec.size, spec.size, 3))
    offset = pixels.offset
    length = pixels[0].nbytes
    seen = np.zeros(len(rows), dtype=bool)
    sizes = Counter[str]()
    with path.open("r+b") as file, Progress(f"prepare {spec.dataset}", len(rows)) as progress:
        try:
            # Reserve the space, because otherwise a full disk would show only at the end.
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            raise UserError(f"{path.parent}: {error.strerror}: {path.stat().st_size / 1e6:.0f} MB are needed") from None
        for index, image, size in origin.images:
            if seen[index]:
                raise UserError(f"{origin.place}: image {rows[index].image} is there twice; {LOOK_AGAIN}")
            # Write to the file, because data written to mapped memory stays in memory.
            file.seek(offset + index * length)
            file.write(np.ascontiguousarray(image).data)
            seen[index] = True
            sizes[size] += 1
            progress.step()
            if progress.done % REPORT_EVERY == 0:
                progress.report()
    if missing := len(rows) - np.count_nonzero(seen):
        first = rows[int(np.argmin(seen))]
        raise UserError(
            f"{origin.place}: {missing} of {len(rows)} images are not there; the first is {first.image} of class "
            f"{first.class_name}; {LOOK_AGAIN}"
        )
    return sizes


def _summary(
    spec: PrepareSpec,
    rows: list[Row],
    origin: Origin,
    images: Path,
    sizes: Counter[str],
    reference: str | None,
) -> dict[str, Any]:
    per_class = Counter(row.class_name for row in rows)
    sha256, duplicates = inspect(images, rows)
    most = max((group for groups in duplicates.values() for group in groups), key=len, default=[])
    if len(most) > MOST_EQUAL * len(rows):
        raise UserError(
            f"{origin.place}: {len(most)} of {len(rows)} images have the same pixels, as {most[0]} and {most[1]}; look "
            "at their files"
        )
    return {
        "dataset": spec.dataset,
        "size": spec.size,
        "images": len(rows),
        "classes": dict(Counter({row.class_name: row.split for row in rows}.values())),
        "images_per_class": {"least": min(per_class.values()), "most": max(per_class.values())},
        "source": origin.record,
        "source_sizes": dict(sizes.most_common(10)),
        "sha256": sha256,
        "reference": None if reference is None else sha256 == reference,
        "packages": {origin.package: version(origin.package)},
        "duplicates": duplicates,
    }


def _say(spec: PrepareSpec, content: dict[str, Any]) -> None:
    """Prints the counts, and whatever a reader of the numbers should know, one line each."""
    classes = ", ".join(f"{count} {split}" for split, count in content["classes"].items())
    lines = [f"{content['images']} images of {classes} classes"]
    for splits, groups in content["duplicates"].items():
        where = f"between {splits.replace(', ', ' and ')}" if "," in splits else f"within {splits}"
        names = "; ".join(" = ".join(group) for group in groups[:SHOWN]) + ("; ..." if len(groups) > SHOWN else "")
        count = f"{len(groups)} group{'' if len(groups) == 1 else 's'}"
        lines.append(f"note: {count} of equal images {where}: {names}")
    if content["reference"] is False:
        lines.append(
            f"note: the pixels of {spec.dataset} differ from the reference (config/datasets.yaml: {spec.dataset}."
            "digests): another source, version of Pillow or matplotlib, or processor; expect results within their "
            "intervals only"
        )
    sys.stderr.write("".join(f"[prepare {spec.dataset}] {line}\n" for line in lines))
