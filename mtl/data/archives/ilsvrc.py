"""miniImageNet from `ILSVRC2012_img_train.tar`, a tar with one tar of JPEG files per class."""

import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mtl.data.archives.images import IMAGE_BYTES
from mtl.data.archives.members import Member, tar_members
from mtl.runtime.errors import UserError

_NUMBER = re.compile(r"_(\d+)\.JPEG$")


def read(files: Iterable[Member], wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, bytes]]:
    """Image files by the rank rule: `n0153282900000005.jpg` is the fifth file of n01532829 by number.

    The lists of Ravi and Larochelle name ranks, not ILSVRC's own numbers (mini-imagenet-tools, same first author).
    """
    for member in files:
        name = member.name.stem
        if member.name.suffix != ".tar" or name not in wanted:
            continue
        ranked = _ranked(member)
        member.file.seek(0)
        images = {ranked.get(rank): image for rank, image in _ranks(name, wanted[name])}
        for inner in tar_members(member.archive, member.file):
            if (image := images.get(inner.name.name)) is not None:
                yield image, inner.read(IMAGE_BYTES)


def _ranked(member: Member) -> dict[int, str]:
    """The files of a class by rank, counted from 1."""
    try:
        with tarfile.open(fileobj=member.file) as tar:
            names = [name.rpartition("/")[2] for name in tar.getnames()]
    except Exception as error:
        raise UserError(f"{member.archive}: {member.name}: damaged archive ({error})") from None
    numbers = {int(match[1]): name for name in names if (match := _NUMBER.search(name))}
    return {rank: numbers[number] for rank, number in enumerate(sorted(numbers), start=1)}


def _ranks(class_name: str, images: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The rank in each listed name."""
    for image in images:
        digits = image.removeprefix(class_name).partition(".")[0]
        if not digits.isdecimal():
            raise UserError(
                f"image {image!r} of class {class_name} does not end in a rank, as {class_name}00000005.jpg"
            )
        yield int(digits), image
