"""Finds a dataset in the folder of the setting `data`, in whatever form it is there."""

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mtl.data.archives.images import is_image
from mtl.data.archives.members import is_archive, members, stem
from mtl.data.archives.walk import walk
from mtl.data.class_folders import Images, picked
from mtl.data.missing import seen, what_is_missing
from mtl.data.place import Place, roots_in
from mtl.runtime.errors import UserError
from mtl.specs.datasets import FetchSpec, SourceEntry

Listed = Mapping[str, Sequence[str]]


def find(spec: FetchSpec, listed: Listed, folder: str, verify: bool = True) -> tuple[Place, dict[str, Images]]:
    """The first form of a dataset that is whole, and the images of a tree.

    A note says why others that are there too did not do.

    Args:
        spec: the dataset and its forms, in order of preference.
        listed: class -> names of its images, empty if a class is a folder.
        folder: holds it, directly or in a subfolder named after the dataset.
        verify: whether to read whole archives, for their checksums and lists of files.

    Raises:
        UserError: there is none; the line says what was found and why it did not do.
    """
    roots = roots_in(folder, spec.dataset)
    if not roots:
        raise UserError(f"config: data: there is no folder {folder}")
    problems: dict[Place, str] = {}
    for root in roots:
        for source in spec.sources:
            if (place := _place(source, root)) is None:
                continue
            problem, images = _looked_at(source, place, listed, spec.images_per_class, verify)
            if problem is None:
                if verify:
                    _note([*problems.values(), *_unverified(source, place)])
                return place, images
            problems[place] = problem
    # A tree in the subfolder is seen from its parent, too.
    inner = [place for place in problems if place.root == roots[0] and not place.files]
    said = [text for place, text in problems.items() if place.files or place.root == roots[0] or not inner]
    found = "; ".join(said) or f"it holds {seen(roots[0])}"
    raise UserError(f"config: data: {folder} holds no {spec.dataset}: {found}; expected {expected(spec)}")


def expected(spec: FetchSpec) -> str:
    """The forms of a dataset, in words."""
    forms = [" + ".join(file.name for file in source.files) or "an unpacked tree of images" for source in spec.sources]
    return ", or ".join(dict.fromkeys(forms))


def downloadable(spec: FetchSpec) -> list[SourceEntry]:
    """The forms of a dataset whose files all have mirrors."""
    return [source for source in spec.sources if source.files and all(file.urls for file in source.files)]


def cannot_be_downloaded(spec: FetchSpec) -> str | None:
    """Why a dataset needs the setting `data`, None if it can be downloaded."""
    if downloadable(spec):
        return None
    return f"config: data: {spec.dataset} cannot be downloaded; get {expected(spec)} and point `data` at the folder"


def _place(source: SourceEntry, root: Path) -> Place | None:
    """Where a form is, if any of its files, or for a tree any image, is there."""
    files = [_file(root, file.name) for file in source.files]
    if not any(files) and (source.files or not any(map(is_image, walk(root)))):
        return None
    names = [found or file.name for found, file in zip(files, source.files, strict=True)]
    return Place(source.form, root, tuple(names), tuple(source.merge))


def _file(root: Path, name: str) -> str | None:
    """The name of a file as it is there: itself, or an archive that is packed in another way."""
    if (root / name).is_file():
        return name
    if not is_archive(name):
        return None
    same = stem(name)
    folder = (root / name).parent
    others = sorted(folder.iterdir()) if folder.is_dir() else []
    return next((str(path.relative_to(root)) for path in others if _is_like(path, same)), None)


def _is_like(path: Path, same: str) -> bool:
    return is_archive(path.name) and stem(path.name) == same.rpartition("/")[2] and path.is_file()


def _looked_at(
    source: SourceEntry, place: Place, listed: Listed, least: int, verify: bool
) -> tuple[str | None, dict[str, Images]]:
    """Why a form does not do, None if it does, and the images of a tree."""
    missing = [name for name in place.files if not (place.root / name).is_file()]
    if missing:
        there = [name for name in place.files if name not in missing]
        return f"{place.root} holds {' and '.join(there)}, but not {' and '.join(missing)}", {}
    try:
        if not place.files:
            images = place.images(listed)
            return what_is_missing(place, images, listed, least), images
        if not verify:
            return None, {}
        problem = next(_altered(source, place), None)
        if problem is None and place.form == "images" and not any(file.checksum for file in source.files):
            names = [member.name for member in members(place.root, place.files) if is_image(member.name)]
            problem = what_is_missing(place, picked(names, listed, place.merge), listed, least)
    except UserError as error:
        return str(error) if str(place.root) in str(error) else f"{place.root}: {error}", {}
    return problem, {}


def _altered(source: SourceEntry, place: Place) -> Iterator[str]:
    """What is wrong with files that do not match their checksums."""
    for file, name in zip(source.files, place.files, strict=True):
        if file.checksum is not None and name == file.name:
            algorithm, _, wanted = file.checksum.partition(":")
            with (place.root / name).open("rb") as content:
                digest = hashlib.file_digest(content, algorithm).hexdigest()
            if digest != wanted:
                yield f"{place.root / name}: its {algorithm} is {digest}, expected {wanted}; damaged or another file"


def _unverified(source: SourceEntry, place: Place) -> Iterator[str]:
    """Files whose checksum is that of another packing."""
    for file, name in zip(source.files, place.files, strict=True):
        if file.checksum is not None and name != file.name:
            yield f"{place.root / name}: not verified, because only the checksum of {file.name} is known"


def _note(lines: list[str]) -> None:
    sys.stderr.write("".join(f"note: {line}\n" for line in lines))
