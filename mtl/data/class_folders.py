"""Which image files belong to which class.

A class list may name the images. A name is then a file, or the end of its path (`robin/1.jpg`); what lies above it
does not matter.

If it names only classes, a class is the folder of that name, or with a path that ends so (`Greek/character01`). Its
images are those directly in the folder; if there are none, those in the only folder below it that holds any
(`n01443537/images`). If several folders fit, a source may `merge` them, as `train/apple` and `test/apple`; otherwise it
is an error, because only the user knows whether they hold more images of the class, or masks.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple
from unicodedata import category, normalize

from mtl.runtime.errors import UserError

Images = dict[str, PurePosixPath]
# What a name may not hold: control characters, and bytes that are no UTF-8.
CONTROL = ("Cc", "Cs")
SHOWN = 3


class _Match(NamedTuple):
    """A folder with images whose path holds that of a class, from component `start` to before `end`."""

    folder: PurePosixPath
    start: int
    end: int

    @property
    def root(self) -> PurePosixPath:
        """The folder of the class: this one, or one above it."""
        return PurePosixPath(*self.folder.parts[: self.end])


def picked(
    paths: Iterable[PurePosixPath], listed: Mapping[str, Sequence[str]], merge: Sequence[str]
) -> dict[str, Images]:
    """The images of each class, by name, with their paths.

    Args:
        paths: image files.
        listed: class -> names of its images, which are empty if a class is a folder.
        merge: names of folders whose folders of the same name are parts of one class.

    Raises:
        UserError: an image is there twice, several folders could be meant, or a name is not in UTF-8.
    """
    if any(listed.values()):
        return _by_name(paths, listed)
    folders: dict[PurePosixPath, list[PurePosixPath]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path)
    matches = _matches(folders, listed)
    return {name: _of_class(name, matches[name], folders, merge) for name in listed}


def named(path: PurePosixPath, depths: Sequence[int], names: Mapping[str, str]) -> str | None:
    """The name that a path ends in, None if there is none; of several the longest.

    Args:
        path: an image file.
        depths: how many components the names have, most first.
        names: the names by their normal forms, as `by_normal_form` returns them.
    """
    text = str(path)
    parts = (text if text.isascii() else normalize("NFC", text)).split("/")
    ends = ("/".join(parts[-depth:]) for depth in depths if depth <= len(parts))
    return next((names[end] for end in ends if end in names), None)


def by_normal_form(names: Iterable[str]) -> dict[str, str]:
    """Names by the form in which they are compared: a Mac writes é as two letters."""
    return {normalize("NFC", name): name for name in names}


def depths_of(names: Iterable[str]) -> list[int]:
    """How many components names have, most first."""
    return sorted({name.count("/") + 1 for name in names}, reverse=True)


def _by_name(paths: Iterable[PurePosixPath], listed: Mapping[str, Sequence[str]]) -> dict[str, Images]:
    class_of = {image: name for name, images in listed.items() for image in images}
    depths, names = depths_of(class_of), by_normal_form(class_of)
    found: dict[str, Images] = {name: {} for name in listed}
    for path in paths:
        if (image := named(path, depths, names)) is None:
            continue
        if (other := found[class_of[image]].setdefault(image, path)) != path:
            raise UserError(f"image {image!r} is there twice, as {other} and as {path}; leave one of them")
    return found


def _matches(folders: Iterable[PurePosixPath], classes: Iterable[str]) -> dict[str, list[_Match]]:
    """The folders of each class. One that lies in the folders of two classes belongs to the inner one."""
    wanted = {name: tuple(normalize("NFC", part) for part in name.split("/")) for name in classes}
    begins: dict[str, list[str]] = {}
    for name, path in wanted.items():
        begins.setdefault(path[0], []).append(name)
    found: dict[str, list[_Match]] = {name: [] for name in wanted}
    for folder in folders:
        parts = tuple(normalize("NFC", part) for part in folder.parts)
        fits = [
            (start + len(wanted[name]), len(wanted[name]), name)
            for start, part in enumerate(parts)
            for name in begins.get(part, ())
            if parts[start : start + len(wanted[name])] == wanted[name]
        ]
        if fits:
            end, length, name = max(fits)
            found[name].append(_Match(folder, end - length, end))
    return found


def _of_class(
    name: str, matches: list[_Match], folders: Mapping[PurePosixPath, list[PurePosixPath]], merge: Sequence[str]
) -> Images:
    """The images of a class, called by their paths from its folder on; with the name of the part if it has several."""
    within: dict[PurePosixPath, list[_Match]] = {}
    for match in matches:
        within.setdefault(match.root, []).append(match)
    if len(within) > 1 and not _are_parts(matches, list(within), merge):
        raise UserError(
            f"{_some(within, ' and ')} hold images of class {name!r}; name one of them by its path in the class list, "
            "or let the source `merge` the folders that they are in"
        )
    above = 1 if len(within) > 1 else 0
    images: Images = {}
    for root, inner in within.items():
        match = _holder(name, root, inner)
        for path in folders[match.folder]:
            image = "/".join(path.parts[match.start - above :])
            if any(category(letter) in CONTROL for letter in image):
                raise UserError(f"image {image!r}: its name is not text in UTF-8; give it another name")
            images[image] = path
    return dict(sorted(images.items()))


def _holder(name: str, root: PurePosixPath, matches: list[_Match]) -> _Match:
    """The folder that holds the images of a class: its own, or the only one below it that holds any."""
    own = [match for match in matches if match.folder == root]
    if not own and len(matches) > 1:
        raise UserError(
            f"the images of class {name!r} are in {len(matches)} folders below {root} "
            f"({_some([match.folder for match in matches], ', ')}); name one of them by its path in the class list"
        )
    return (own or matches)[0]


def _are_parts(matches: Iterable[_Match], roots: Sequence[PurePosixPath], merge: Sequence[str]) -> bool:
    """Whether the folders of a class lie side by side, each in another of the folders to merge."""
    above = {match.folder.parts[: max(0, match.start - 1)] for match in matches}
    parts = {match.folder.parts[match.start - 1] for match in matches if match.start}
    return len(above) == 1 and len(parts) == len(roots) and parts <= set(merge)


def _some(found: Iterable[PurePosixPath], between: str) -> str:
    names = [str(path) for path in found]
    return between.join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
