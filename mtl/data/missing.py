"""Says what a folder holds, and why the images of a class list are not among it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from mtl.data.archives.images import SUFFIXES, is_image
from mtl.data.archives.members import is_archive
from mtl.data.archives.walk import walk
from mtl.data.class_folders import Images
from mtl.data.place import Place

SHOWN = 3
COMPARED = 5000  # names; comparing takes long
NEAR = 0.8  # likeness of a misspelt name, at most 1


def what_is_missing(
    place: Place, images: Mapping[str, Images], listed: Mapping[str, Sequence[str]], least: int
) -> str | None:
    """What keeps a place from holding all images of a class list, None if nothing does.

    Args:
        place: a tree or archives of images.
        images: those that were found, by class and name.
        listed: class -> names of its images, empty if a class is a folder.
        least: how many images a class that is a folder must have.
    """
    where = " + ".join(str(place.root / name) for name in place.files) or str(place.root)
    if any(listed.values()):
        missing = [(image, name) for name, names in listed.items() for image in names if image not in images[name]]
        if not missing:
            return None
        image, name = missing[0]
        count = f"{len(missing)} of {sum(map(len, listed.values()))} images missing"
        return f"{where}: {count}, the first is {image!r} of class {name!r}{_why(place, image, of_image=True)}"
    if empty := [name for name in listed if not images[name]]:
        count = f"{len(empty)} of {len(listed)} classes without images"
        return f"{where}: {count}, the first is {empty[0]!r}{_why(place, empty[0], of_image=False)}"
    if few := [name for name in listed if len(images[name]) < least]:
        has = len(images[few[0]])
        return f"{where}: class {few[0]!r} has {has} images; config/datasets.yaml: images_per_class promises {least}"
    return None


def seen(root: Path) -> str:
    """What a folder holds, in words: `40 images in 4 folders (crow, robin, ...) and 1 archive (x.zip)`."""
    files = list(walk(root))
    images = [path for path in files if is_image(path)]
    archives = [path.name for path in files if is_archive(path.name)]
    others = [path for path in files if not is_image(path) and not is_archive(path.name)]
    said = []
    if images:
        folders = list(dict.fromkeys(str(path.parent.relative_to(root)) for path in images))
        where = "directly" if folders == ["."] else f"in {_count(folders, 'folder')} ({_some(folders)})"
        said.append(f"{_count(images, 'image')} {where}")
    if archives:
        said.append(f"{_count(archives, 'archive')} ({_some(archives)})")
    if others:
        said.append(f"{_count(others, 'other file')} ({_suffixes(others)})")
    return " and ".join(said) or "no files"


def _why(place: Place, name: str, of_image: bool) -> str:
    """Why a folder with images, or an image, is not found in a tree; nothing to say of archives."""
    if place.files:
        return ""
    paths = [path.relative_to(place.root) for path in walk(place.root)]
    unread = [path for path in paths if not is_image(path)]
    *above, last = name.split("/")
    if of_image:
        same = [
            path for path in unread if path.stem == Path(last).stem and path.parts[-1 - len(above) : -1] == (*above,)
        ]
        if same:
            return f": there is {same[0].name}, but only {_read()} are read"
        names = dict.fromkeys(path.name for path in paths)
    else:
        within = [path for path in unread if f"/{name}/" in f"/{path.parent}/"]
        if within:
            return f": its folder holds {_count(within, 'file')} ({_suffixes(within)}), but only {_read()} are read"
        names = dict.fromkeys(part for path in paths for part in path.parent.parts)
    lower = {other.lower(): other for other in list(names)[:COMPARED] if other != last}
    near = get_close_matches(last.lower(), lower, n=1, cutoff=NEAR)
    return f": the nearest name is {lower[near[0]]!r}" if near else f"; it holds {seen(place.root)}"


def _read() -> str:
    return ", ".join(sorted(SUFFIXES))


def _suffixes(paths: Iterable[Path]) -> str:
    counts = Counter(path.suffix or "no suffix" for path in paths)
    return ", ".join(suffix for suffix, _ in counts.most_common(SHOWN))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
