"""miniImageNet as `mini-imagenet-cache-{train,val,test}.pkl` (Ren et al. 2018), as torchmeta and learn2learn use it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from mtl.data.archives.members import Member
from mtl.data.archives.unpickle import integers_of, pixels_of, text, unpickle
from mtl.runtime.errors import UserError


def read(files: Iterable[Member], wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, np.ndarray]]:
    """`image_data` (N, H, W, 3) and `class_dict` (class -> its indices): image i of a class is the i-th of its list.

    Raises:
        UserError: a pickle is malformed, or a class has more or fewer images than its list.
    """
    for member in files:
        if member.name.suffix == ".pkl":
            yield from _read(member, wanted)


def _read(member: Member, wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, np.ndarray]]:
    content = unpickle(member)
    where = f"{member.archive}: {member.name}"
    pixels = pixels_of(content, "image_data", (None, None, None, 3), member)
    classes = content.get("class_dict")
    if not isinstance(classes, dict):
        raise UserError(f"{where}: 'class_dict' is missing")
    for name, value in classes.items():
        if (images := wanted.get(text(name))) is None:
            continue
        indices = integers_of(value)
        if indices is None or len(indices) != len(images):
            raise UserError(f"{where}: class {text(name)} has not {len(images)} images")
        for image, index in zip(images, indices, strict=True):
            if not 0 <= index < len(pixels):
                raise UserError(f"{where}: class {text(name)}: there is no image {index}")
            yield image, pixels[index]
