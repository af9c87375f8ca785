"""Pickles with one label per image, as MetaOptNet (Lee et al. 2019) and Gidaris and Komodakis (2018) publish them.

`FC100_{train,val,test}.pickle`, and `miniImageNet_category_split_{train_phase_train,val,test}.pickle`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mtl.data.archives.members import Member
from mtl.data.archives.unpickle import integers_of, pixels_of, text, unpickle
from mtl.runtime.errors import UserError


def read(files: Iterable[Member], wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, np.ndarray]]:
    """`data` (N, H, W, 3) and `labels` (N,): image i of a class is the i-th of its list.

    `catname2label` names the classes. Without it, a label is the number of a class in the alphabetical order of all
    classes, as in CIFAR-100.

    Raises:
        UserError: a pickle is malformed, or a class has more or fewer images than its list.
    """
    counted: set[int] = set()
    for member in files:
        if member.name.suffix == ".pickle":
            content = unpickle(member)
            if "catname2label" not in content:
                counted |= set(integers_of(content.get("labels")) or ())
            yield from _read(content, member, wanted)
    if counted and counted != set(range(len(wanted))):
        raise UserError(
            "the labels of the pickles do not count all classes of the list, so nobody knows which is which"
        )


def _read(
    content: dict[str, Any], member: Member, wanted: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, np.ndarray]]:
    where = f"{member.archive}: {member.name}"
    pixels = pixels_of(content, "data", (None, None, None, 3), member)
    labels = integers_of(content.get("labels"))
    if labels is None or len(labels) != len(pixels):
        raise UserError(f"{where}: 'labels' are not one whole number for each image of 'data'")
    names = _names(content, wanted, where)
    if unknown := set(labels) - names.keys():
        raise UserError(f"{where}: label {min(unknown)} is that of no class")
    numbers = np.array(labels)
    for label in dict.fromkeys(labels):
        if (images := wanted.get(names[label])) is None:
            continue
        indices = np.flatnonzero(numbers == label)
        if len(indices) != len(images):
            raise UserError(f"{where}: class {names[label]} has {len(indices)} images, not {len(images)}")
        for image, index in zip(images, indices, strict=True):
            yield image, pixels[index]


def _names(content: Mapping[str, Any], wanted: Mapping[str, Sequence[str]], where: str) -> dict[int, str]:
    """The class of each label."""
    if "catname2label" not in content:
        return dict(enumerate(sorted(wanted)))
    named = content["catname2label"]
    if not isinstance(named, dict) or not all(type(label) is int for label in named.values()):
        raise UserError(f"{where}: 'catname2label' does not map names of classes to numbers")
    return {label: text(name) for name, label in named.items()}
