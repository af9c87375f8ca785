"""Notices that the place of a dataset holds other images than those that were fetched."""

import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from mtl.data.class_folders import Images
from mtl.data.finding import Listed, find
from mtl.data.place import Content, Place
from mtl.data.source import Source, read_source
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record, write_json
from mtl.specs.datasets import FetchSpec
from mtl.specs.reading import digest_of, from_plain

CACHE = ".seen.json"


@dataclass(frozen=True)
class Edition:
    """The images that would be fetched now.

    Attributes:
        name: that of the recorded ones if they are the same, otherwise a digest of their content.
        folder: where to look for them; empty: nowhere, they are downloaded.
        changed: whether they are others than the recorded ones.
    """

    name: str
    folder: str
    changed: bool = False


def edition_of(record: Path, spec: FetchSpec, listed: Listed, folder: str) -> Edition:
    """The edition of the images that would be fetched now.

    Names, sizes and times are compared first; contents only if these differ. So moving or copying a dataset makes no
    new edition, and a mended image does. Nothing is compared once the dataset is gone or not whole any more.

    Args:
        record: `source.json`; there may be none.
        spec: the dataset and its forms.
        listed: class -> names of its images, empty if a class is a folder.
        folder: the setting `data`; empty: only the place where the images were fetched from.
    """
    try:
        source = read_source(record)
    except UserError:
        return Edition("", folder)
    found = _found(source, spec, listed, folder)
    if found is None:
        return Edition(source.edition, folder)
    place, images = found
    content = _content(place, images, source, record.with_name(CACHE))
    if content == source.content:
        return Edition(source.edition, folder)
    sys.stderr.write(
        f"note: {spec.dataset}: {place.root} holds other images than those that were fetched, or in another form, or "
        "the class list names others; what was made from those is out of date\n"
    )
    downloaded = place.root == record.parents[1].resolve() / "archives"
    return Edition(digest_of(asdict(content)), folder or ("" if downloaded else str(place.root)), changed=True)


def _found(source: Source, spec: FetchSpec, listed: Listed, folder: str) -> tuple[Place, dict[str, Images]] | None:
    try:
        return find(spec, listed, folder, verify=False) if folder else source.place(listed, "")
    except UserError:
        return None


def _content(place: Place, images: dict[str, Images], source: Source, cache: Path) -> Content:
    """What is in a place, remembered by its state."""
    state = place.state(images)
    if state == source.state and place.form == source.form:
        return source.content
    try:
        if read_record(cache, "state") == state:
            return from_plain(Content, read_record(cache, "content"), str(cache))
    except UserError:
        pass
    sys.stderr.write(f"note: {place.root}: comparing its content with what was fetched\n")
    content = place.content(images)
    with suppress(OSError):  # to remember it only saves time
        write_json(cache, {"state": state, "content": asdict(content)})
    return content
