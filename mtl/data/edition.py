"""Notices that the place of a dataset holds other images than those that were fetched."""

import sys
from collections.abc import Mapping
from pathlib import Path

from mtl.data.class_folders import Images
from mtl.data.finding import Listed, find
from mtl.data.place import Place, roots_in
from mtl.data.source import Source, read_source
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record, write_json
from mtl.specs.datasets import FetchSpec

CACHE = ".seen.json"


def edition_of(record: Path, spec: FetchSpec, listed: Listed, folder: str) -> int:
    """The edition of the images that would be fetched now: the recorded one, or the next if they are others.

    Names, sizes and times are compared first; contents only if these differ. So moving or copying a dataset makes no
    new edition, and a mended image does. Nothing is compared once the dataset is gone.

    Args:
        record: `source.json`; without one the edition is 0.
        spec: the dataset and its forms.
        listed: class -> names of its images, empty if a class is a folder.
        folder: the setting `data`; empty: only where it was fetched from.
    """
    try:
        source = read_source(record)
    except UserError:
        return 0
    try:
        if _is_same(source, record.with_name(CACHE), spec, listed, folder):
            return source.edition
    except (UserError, OSError):
        pass  # to fetch again says what is wrong
    sys.stderr.write(
        f"note: {spec.dataset}: {folder or source.root} holds other images than those that were fetched; everything "
        f"made from those is out of date, and if it is not made again now, delete {record}\n"
    )
    return source.edition + 1


def _is_same(source: Source, cache: Path, spec: FetchSpec, listed: Listed, folder: str) -> bool:
    roots = roots_in(folder, spec.dataset) if folder else [Path(source.root)]
    for root in roots:
        place = Place(source.form, root, tuple(source.files), tuple(source.merge))
        images = place.images(listed) if root.is_dir() else {}
        if any(images.values()) if not place.files else all((root / name).is_file() for name in place.files):
            return _content(place, images, source, cache) == _wanted(source)
    return not folder or not _is_there(spec, listed, folder)


def _content(place: Place, images: Mapping[str, Images], source: Source, cache: Path) -> dict[str, str]:
    """Digests of what is in a place, remembered by its state."""
    state = place.state(images)
    if state == source.state:
        return _wanted(source)
    try:
        if read_record(cache, "state") == state:
            return dict(read_record(cache, "content"))
    except (UserError, TypeError, ValueError):
        pass
    sys.stderr.write(f"note: {place.root}: comparing its content with what was fetched\n")
    content = {**place.digests(), "": place.tree(images)}
    write_json(cache, {"state": state, "content": content})
    return content


def _wanted(source: Source) -> dict[str, str]:
    return {**source.files, "": source.tree}


def _is_there(spec: FetchSpec, listed: Listed, folder: str) -> bool:
    """Whether the dataset is there in any other form."""
    try:
        find(spec, listed, folder, verify=False)
    except UserError:
        return False
    return True
