"""FC100 and CIFAR-FS from CIFAR-100's Python archive, with its training and test parts merged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from mtl.data.archives.members import Member
from mtl.data.archives.unpickle import integers_of, pixels_of, text, unpickle
from mtl.runtime.errors import UserError

SIZE = 32
PARTS = ("train", "test")


def read(files: Iterable[Member], wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, np.ndarray]]:
    """Image i of a class is its i-th image in the training part followed by the test part: 600 in all.

    Raises:
        UserError: a part is missing or malformed.
    """
    parts = {}
    for member in files:
        if member.name.name in {*PARTS, "meta"}:
            parts[member.name.name] = (member, unpickle(member))
    if missing := {*PARTS, "meta"} - parts.keys():
        raise UserError(f"cifar-100-python: {min(missing)} is missing from the archive")
    names = parts["meta"][1].get("fine_label_names")
    remaining = {name: iter(images) for name, images in wanted.items()}
    for part in PARTS:
        member, content = parts[part]
        data = pixels_of(content, "data", (None, 3 * SIZE * SIZE), member)
        labels = integers_of(content.get("fine_labels"))
        if not isinstance(names, list) or labels is None or len(labels) != len(data):
            raise UserError(f"{member.archive}: {member.name}: 'fine_labels' do not fit 'data'")
        pixels = data.reshape(-1, 3, SIZE, SIZE).transpose(0, 2, 3, 1)
        for label, image in zip(labels, pixels, strict=True):
            if not 0 <= label < len(names):
                raise UserError(f"{member.archive}: {member.name}: label {label} has no name in meta")
            if (name := next(remaining.get(text(names[label]), iter(())), None)) is not None:
                yield name, image
