"""miniImageNet as `mini-imagenet-cache-{train,val,test}.pkl` (Ren et al. 2018), as torchmeta and learn2learn use it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from mtl.data.layouts.members import Member
from mtl.data.layouts.unpickle import array_of, unpickle
from mtl.runtime.errors import UserError


def read_pickles(files: Iterable[Member], wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, np.ndarray]]:
    """`image_data` (N, H, W, 3) and `class_dict` (class -> its indices): image i of a class is the i-th of its list.

    Raises:
        UserError: a pickle has another form, or a class has more or fewer images than its list.
    """
    for member in files:
        if member.name.suffix != ".pkl":
            continue
        content = unpickle(member)
        pixels = array_of(content, "image_data", (None, None, None, 3), member)
        classes = content.get("class_dict")
        if not isinstance(classes, dict):
            raise UserError(f"{member.archive}: {member.name}: 'class_dict' is missing")
        for name, indices in classes.items():
            if (images := wanted.get(name)) is None:
                continue
            if not isinstance(indices, list | np.ndarray) or len(indices) != len(images):
                raise UserError(f"{member.archive}: {member.name}: class {name} has not {len(images)} images")
            for image, index in zip(images, indices, strict=True):
                if not isinstance(index, int | np.integer) or not 0 <= index < len(pixels):
                    raise UserError(f"{member.archive}: {member.name}: class {name}: there is no image {index!r}")
                yield image, pixels[index]
