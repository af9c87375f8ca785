"""Image files, in a tree or a tar: miniImageNet as JPEG files, or any dataset with a folder per class."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from mtl.data.archives.members import Member, members
from mtl.runtime.errors import UserError

IMAGE_BYTES = 64 * 2**20
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})


def read(files: Iterable[Member], wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, bytes]]:
    """Image files by name: `file`, or `class/file` where the names in `split.csv` have a folder.

    Parent folders do not matter: the same file is found in a flat `images/`, in `train/n01532829/` and at the top.
    """
    names = {image for images in wanted.values() for image in images}
    depth = max((image.count("/") for image in names), default=0) + 1
    for member in files:
        name = "/".join(member.name.parts[-depth:])
        if name in names and is_image(member.name):
            yield name, member.read(IMAGE_BYTES)


def images_by_folder(root: Path, files: Sequence[str]) -> dict[str, list[str]]:
    """The image files `class/file` of every folder, in order of their names.

    Raises:
        UserError: two folders with images have the same name, such as `images/robin` and `masks/robin`.
    """
    found: dict[str, list[str]] = {}
    path_of: dict[str, PurePosixPath] = {}
    for member in members(root, files):
        if is_image(member.name) and len(member.name.parts) > 1:
            folder, path = member.name.parts[-2], member.name.parent
            if (other := path_of.setdefault(folder, path)) != path:
                raise UserError(f"{root}: {other} and {path} hold images of the same class; leave one of them")
            found.setdefault(folder, []).append(f"{folder}/{member.name.name}")
    return {folder: sorted(names) for folder, names in found.items()}


def is_image(name: PurePosixPath | Path) -> bool:
    """Whether a file is named like an image; hidden files, which some systems add, do not count."""
    return name.suffix.lower() in SUFFIXES and not name.name.startswith(".")
