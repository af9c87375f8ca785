"""A cell: one number of a table, and the folder of its results."""

import re
from dataclasses import asdict, dataclass

from mtl.runtime.errors import UserError

# Folders below the results, with the names of Snakemake's wildcards.
PRETRAINING = "{dataset}/{backbone}/seed{seed}"
CELL = f"{PRETRAINING}/{{method}}/{{way}}way-{{shot}}shot"
NO_CELL = "not a folder dataset/backbone/seed0/method/5way-1shot"
_NUMBERS = re.sub(r"\{(seed|way|shot)\}", r"(?P<\1>\\d+)", CELL)
_FOLDER = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", _NUMBERS))
# The same at the beginning of a path, with numbers that may be none.
PLACE = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+?)", CELL) + "(?:/|$)")


@dataclass(frozen=True)
class Cell:
    """Dataset, backbone, seed, method, way and shot: the unit a reviewer reruns."""

    dataset: str
    backbone: str
    seed: int
    method: str
    way: int
    shot: int

    @property
    def pretraining(self) -> str:
        """The folder that all cells on this dataset, backbone and seed share."""
        return PRETRAINING.format(**asdict(self))

    @property
    def folder(self) -> str:
        """The cell's folder, below the results folder."""
        return CELL.format(**asdict(self))

    @classmethod
    def in_folder(cls, folder: str) -> "Cell":
        """The cell of a folder, given relative to the results.

        Raises:
            UserError: it is not the folder of a cell.
        """
        match = _FOLDER.fullmatch(folder)
        if match is None:
            raise UserError(f"{folder}: {NO_CELL}")
        numbers = {name: int(match[name]) for name in ("seed", "way", "shot")}
        return cls(**{**match.groupdict(), **numbers})  # type: ignore[arg-type]
