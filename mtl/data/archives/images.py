"""Image files, in a tree or an archive: miniImageNet as JPEG files, or any dataset with a folder per class."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from mtl.data.archives.members import Member
from mtl.data.class_folders import by_normal_form, depths_of, named

IMAGE_BYTES = 64 * 2**20
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})


def read(files: Iterable[Member], wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, bytes]]:
    """Image files by name, which is the end of their path; see `mtl.data.class_folders`."""
    names = by_normal_form(image for images in wanted.values() for image in images)
    depths = depths_of(names)
    for member in files:
        if is_image(member.name) and (image := named(member.name, depths, names)) is not None:
            yield image, member.read(IMAGE_BYTES)


def is_image(name: PurePosixPath | Path) -> bool:
    """Whether a file is named like an image; hidden files, which some systems add, do not count."""
    return name.suffix.lower() in SUFFIXES and not name.name.startswith(".")
