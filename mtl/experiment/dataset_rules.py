"""Which keys of an entry of `config/datasets.yaml` go together."""

from mtl.runtime.errors import UserError
from mtl.specs.datasets import DatasetEntry


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
            for file in source.files:
                if file.urls and file.checksum is None:
                    raise UserError(f"{where}.sources[{index}]: {file.name}: what is downloaded must have a checksum")
