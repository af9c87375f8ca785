"""Which keys of an entry of `config/datasets.yaml` go together."""

from mtl.data.archives.members import ARCHIVES, is_archive
from mtl.runtime.errors import UserError
from mtl.specs.datasets import DatasetEntry, SourceEntry


def check_datasets(datasets: dict[str, DatasetEntry]) -> None:
    """Checks the keys of entries that depend on each other.

    Raises:
        UserError: something is missing.
    """
    for name, entry in datasets.items():
        where = f"config/datasets.yaml: {name}"
        if entry.kind == "glyphs" and entry.seed is None:
            raise UserError(f"{where}.seed: missing; rendered images need one")
        if entry.kind == "images" and not entry.sources:
            raise UserError(f"{where}.sources: missing; say in which form the images come")
        for index, source in enumerate(entry.sources):
            _check_merge(source, f"{where}.sources[{index}]")
            for file in source.files:
                if source.form == "images" and not is_archive(file.name):
                    raise UserError(
                        f"{where}.sources[{index}]: {file.name}: not an archive ({', '.join(ARCHIVES)}); a tree of "
                        "images needs no `files`"
                    )
                if file.urls and file.checksum is None:
                    raise UserError(f"{where}.sources[{index}]: {file.name}: what is downloaded must have a checksum")


def _check_merge(source: SourceEntry, where: str) -> None:
    if source.merge and source.form != "images":
        raise UserError(f"{where}.merge: only the form `images` has folders to merge")
    if wrong := [part for part in source.merge if "/" in part or part.startswith(".")]:
        raise UserError(f"{where}.merge: {wrong[0]!r} is not the name of a folder")
