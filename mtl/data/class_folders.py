"""Which image files belong to which class.

A class list may name the images. A name is then a file, or the end of its path (`robin/1.jpg`); what lies above it
does not matter.

If it names only classes, a class is the folder of that name, or with a path that ends so (`Greek/character01`). Its
images are those directly in the folder; if there are none, those in the one folder below that has some
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


def named(path: PurePosixPath, depths: Sequence[int], names: Mapping[str, object]) -> str | None:
    """The name that a path ends in, None if there is none; of several the longest.

    Args:
        path: an image file.
        depths: how many components the names have, most first.
        names: the names.
    """
    ways = ("/".join(path.parts[-depth:]) for depth in depths if depth <= len(path.parts))
    return next((name for name in ways if name in names), None)


def depths_of(names: Iterable[str]) -> list[int]:
    """How many components names have, most first."""
    return sorted({name.count("/") + 1 for name in names}, reverse=True)


def _by_name(paths: Iterable[PurePosixPath], listed: Mapping[str, Sequence[str]]) -> dict[str, Images]:
    class_of = {image: name for name, images in listed.items() for image in images}
    depths = depths_of(class_of)
    found: dict[str, Images] = {name: {} for name in listed}
    for path in paths:
        if (image := named(path, depths, class_of)) is None:
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
    direct = [match for match in matches if match.end == len(match.folder.parts)]
    chosen = direct or matches
    roots = {match.root: match for match in chosen}
    if len(chosen) > len(roots):
        inner = ", ".join(str(match.folder) for match in chosen[:3])
        raise UserError(
            f"the images of class {name!r} are in {len(chosen)} folders below {chosen[0].root} ({inner}"
            f"{_more(chosen)}); name one of them by its path in the class list"
        )
    if len(roots) > 1 and not _are_parts(list(roots.values()), merge):
        places = " and ".join(str(root) for root in list(roots)[:3])
        raise UserError(
            f"{places}{_more(chosen)} hold images of class {name!r}; name one of them by its path in the class list, "
            "or let the source `merge` the folders that they are in"
        )
    above = 1 if len(roots) > 1 else 0
    images: Images = {}
    for match in chosen:
        for path in folders[match.folder]:
            image = "/".join(path.parts[match.start - above :])
            if any(category(letter) in CONTROL for letter in image):
                raise UserError(f"image {image!r}: its name is not text in UTF-8; give it another name")
            images[image] = path
    return dict(sorted(images.items()))


def _are_parts(matches: Sequence[_Match], merge: Sequence[str]) -> bool:
    """Whether folders of a class lie side by side, each in another of the folders to merge."""
    above = {match.folder.parts[: max(0, match.start - 1)] for match in matches}
    parts = [match.folder.parts[match.start - 1] for match in matches if match.start]
    return len(above) == 1 and len(set(parts)) == len(matches) and set(parts) <= set(merge)


def _more(found: Sequence[object]) -> str:
    return ", ..." if len(found) > 3 else ""
