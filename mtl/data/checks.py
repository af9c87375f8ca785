"""What can be wrong with a prepared dataset without any file being damaged."""

import hashlib
from collections.abc import Sequence

import numpy as np

from mtl.data.split import Row


def digest(pixels: np.ndarray) -> str:
    """SHA-256 of the pixels of an array (N, ...), in hex."""
    sha256 = hashlib.sha256()
    for image in pixels:
        sha256.update(np.ascontiguousarray(image).data)
    return sha256.hexdigest()


def duplicates(pixels: np.ndarray, rows: Sequence[Row]) -> dict[str, list[list[str]]]:
    """Groups of images with exactly the same pixels: `train`, or `train, val` if they lie in two splits -> image names.

    A test image that is also a training image makes an accuracy too good, so whoever reads a number should know.
    """
    first: dict[bytes, int] = {}
    groups: dict[int, list[int]] = {}
    for index, image in enumerate(pixels):
        same = first.setdefault(hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest(), index)
        if same != index:
            groups.setdefault(same, [same]).append(index)
    found: dict[str, list[list[str]]] = {}
    for group in groups.values():
        splits = ", ".join(dict.fromkeys(rows[index].split for index in group))
        found.setdefault(splits, []).append([rows[index].image for index in group])
    return found
