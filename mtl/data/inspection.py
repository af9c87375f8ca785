"""Checks a prepared dataset for problems other than damaged files."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mtl.data.split import Row


def inspect(path: Path, rows: Sequence[Row]) -> tuple[str, dict[str, list[list[str]]]]:
    """The SHA-256 of all pixels of a .npy of images, in hex, and the groups of images with identical pixels.

    The groups are lists of image names, keyed by `train`, or by `train, val` if they span two splits. A test image that
    is also a training image inflates the accuracy, so readers of a number should know.
    """
    sha256 = hashlib.sha256()
    first: dict[bytes, int] = {}
    groups: dict[int, list[int]] = {}
    for index, image in enumerate(_images(path)):
        sha256.update(image)
        same = first.setdefault(hashlib.blake2b(image, digest_size=16).digest(), index)
        if same != index:
            groups.setdefault(same, [same]).append(index)
    found: dict[str, list[list[str]]] = {}
    for group in groups.values():
        splits = ", ".join(dict.fromkeys(rows[index].split for index in group))
        found.setdefault(splits, []).append([rows[index].image for index in group])
    return sha256.hexdigest(), found


def _images(path: Path) -> Iterator[bytes]:
    """The bytes of each image; read, not mapped, because mapped images would all stay in memory."""
    pixels = np.load(path, mmap_mode="r")
    length = pixels[0].nbytes
    with path.open("rb") as file:
        file.seek(pixels.offset)
        for _ in range(len(pixels)):
            yield file.read(length)
