"""Says what a folder holds, and why the images of a class list are not among it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from mtl.data.archives.images import SUFFIXES, is_image
from mtl.data.archives.members import is_archive
from mtl.data.archives.walk import walk
from mtl.data.place import Place

SHOWN = 3
COMPARED = 5000  # names; comparing takes long
NEAR = 0.8  # likeness of a misspelt name, at most 1


def what_is_missing(place: Place, listed: Mapping[str, Sequence[str]]) -> str | None:
    """What keeps a tree from being that of a class list, None if nothing does.

    Args:
        place: the tree.
        listed: class -> names of its images, empty if a class is a folder.

    Raises:
        UserError: it is not clear which images are meant.
    """
    images = place.images(listed)
    empty = [name for name in listed if not images[name]]
    if not any(listed.values()):
        if not empty:
            return None
        count = f"{len(empty)} of {len(listed)} classes have no images, the first is"
        return f"{place.root}: {count} {empty[0]!r}: {_why(place.root, empty[0])}"
    missing = [(image, name) for name, names in listed.items() for image in names if image not in images[name]]
    if not missing:
        return None
    image, name = missing[0]
    total = sum(map(len, listed.values()))
    return (
        f"{place.root}: {len(missing)} of {total} images are not there, the first is {image!r} of class {name!r}: "
        f"{_why(place.root, image)}"
    )


def seen(root: Path) -> str:
    """What a folder holds, in words: `40 images in 4 folders (crow, robin, ...) and 1 archive (x.zip)`."""
    files = list(walk(root))
    images = [path for path in files if is_image(path)]
    archives = [path.name for path in files if is_archive(path.name)]
    others = [path for path in files if not is_image(path) and not is_archive(path.name)]
    said = []
    if images:
        folders = list(dict.fromkeys(str(path.parent.relative_to(root)) for path in images))
        said.append(f"{_count(images, 'image')} in {_count(folders, 'folder')} ({_some(folders)})")
    if archives:
        said.append(f"{_count(archives, 'archive')} ({_some(archives)})")
    if others:
        said.append(f"{_count(others, 'other file')} ({_suffixes(others)})")
    return " and ".join(said) or "no files"


def _why(root: Path, name: str) -> str:
    """Why a folder with images, or an image, is not found."""
    files = list(walk(root))
    within = [path for path in files if f"/{name}/" in f"/{path.parent.relative_to(root)}/"]
    if within:
        return f"its folder holds {_count(within, 'file')} ({_suffixes(within)}), but only {_read()} are read"
    stem = name.rpartition("/")[2].rpartition(".")[0]
    alike = [path for path in files if stem and path.stem == stem and not is_image(path)]
    if alike:
        return f"there is {alike[0].name}, but only {_read()} are read"
    last = name.rpartition("/")[2]
    names = dict.fromkeys(path.name for path in files) | dict.fromkeys(
        part for path in files for part in path.parent.relative_to(root).parts
    )
    lower = {other.lower(): other for other in list(names)[:COMPARED]}
    near = get_close_matches(last.lower(), lower, n=1, cutoff=NEAR)
    return f"the nearest name is {lower[near[0]]!r}" if near else f"there are {seen(root)}"


def _read() -> str:
    return ", ".join(sorted(SUFFIXES))


def _suffixes(paths: Iterable[Path]) -> str:
    counts = Counter(path.suffix or "no suffix" for path in paths)
    return ", ".join(suffix for suffix, _ in counts.most_common(SHOWN))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
