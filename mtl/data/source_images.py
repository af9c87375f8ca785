"""The images of a split, from the archives or tree that `fetch` found."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mtl.data.decode import decoded
from mtl.data.origin import Origin
from mtl.data.place import digest_of_images
from mtl.data.source import LOOK_AGAIN, Source, read_source
from mtl.data.split import Row
from mtl.runtime.errors import UserError
from mtl.runtime.extensions import extensions, load
from mtl.specs.preparing import PrepareSpec


def opened(spec: PrepareSpec, rows: Sequence[Row], path: Path, folder: str, threads: int) -> Origin:
    """The images of a split, decoded and scaled on several threads.

    Args:
        spec: dataset and size.
        rows: `split.csv`.
        path: `source.json`.
        folder: the setting `data`: where the images may have been moved to.
        threads: how many images are decoded at once.

    Raises:
        UserError: `source.json` is not the record of a source.
    """
    source = read_source(path)
    if source.form not in extensions("data.archives"):
        raise UserError(f"{path}: form: {source.form!r} is none of {', '.join(extensions('data.archives'))}")
    record = {"form": source.form, "files": source.files} | ({"tree": source.tree} if source.tree else {})
    return Origin(f"{source.root} ({source.form})", record, "pillow", _images(spec, rows, source, folder, threads))


def _images(
    spec: PrepareSpec, rows: Sequence[Row], source: Source, folder: str, threads: int
) -> Iterator[tuple[int, np.ndarray, str]]:
    index_of = {row.image: index for index, row in enumerate(rows)}
    wanted: dict[str, list[str]] = {}
    for row in rows:
        wanted.setdefault(row.class_name, []).append(row.image)
    found = load("data.archives", source.form).read(source.members(wanted, folder), wanted)
    if source.tree:
        found = _unchanged(found, source)
    for name, image, size in decoded(found, spec.size, threads):
        yield index_of[name], image, size


def _unchanged(found: Iterable[tuple[str, bytes]], source: Source) -> Iterator[tuple[str, bytes]]:
    """The images of a tree; ends with an error if they are not those that were fetched."""
    digests = []
    for name, content in found:
        digests.append((name, hashlib.sha256(content).hexdigest()))
        yield name, content
    if digest_of_images(digests) != source.tree:
        raise UserError(f"{source.root}: its images have changed since they were fetched; {LOOK_AGAIN}")
