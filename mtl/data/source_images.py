"""The images of a split, from the archives or tree that `fetch` found."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mtl.data.decode import decoded
from mtl.data.origin import Origin
from mtl.data.source import Source, read_source
from mtl.data.split import Row
from mtl.runtime.errors import UserError
from mtl.runtime.extensions import extensions, load
from mtl.specs.preparing import PrepareSpec


def opened(spec: PrepareSpec, rows: Sequence[Row], path: Path, threads: int) -> Origin:
    """The images of a split, decoded and scaled on several threads.

    Args:
        spec: dataset and size.
        rows: `split.csv`.
        path: `source.json`.
        threads: how many images are decoded at once.

    Raises:
        UserError: `source.json` is not the record of a source.
    """
    source = read_source(path)
    if source.form not in extensions("data.archives"):
        raise UserError(f"{path}: form: {source.form!r} is none of {', '.join(extensions('data.archives'))}")
    record = {"form": source.form, "files": source.files}
    return Origin(f"{source.root} ({source.form})", record, "pillow", _images(spec, rows, source, threads))


def _images(
    spec: PrepareSpec, rows: Sequence[Row], source: Source, threads: int
) -> Iterator[tuple[int, np.ndarray, str]]:
    index_of = {row.image: index for index, row in enumerate(rows)}
    wanted: dict[str, list[str]] = {}
    for row in rows:
        wanted.setdefault(row.class_name, []).append(row.image)
    found = load("data.archives", source.form).read(source.members(), wanted)
    for name, image, size in decoded(found, spec.size, threads):
        yield index_of[name], image, size
