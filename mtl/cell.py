"""A cell: one number of a table, and the folder its results lie in."""

import re
from dataclasses import dataclass

from mtl.runtime.errors import UserError

_FOLDER = re.compile(
    r"(?P<dataset>[^/]+)/(?P<backbone>[^/]+)/seed(?P<seed>\d+)/(?P<method>[^/]+)/(?P<way>\d+)way-(?P<shot>\d+)shot"
)


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
        """The folder of what all cells on this backbone and seed share."""
        return f"{self.dataset}/{self.backbone}/seed{self.seed}"

    @property
    def folder(self) -> str:
        """The cell's folder, below the results folder."""
        return f"{self.pretraining}/{self.method}/{self.way}way-{self.shot}shot"

    @classmethod
    def in_folder(cls, folder: str) -> "Cell":
        """The cell of a folder, given relative to the results.

        Raises:
            UserError: it is not the folder of a cell.
        """
        match = _FOLDER.fullmatch(folder)
        if match is None:
            raise UserError(f"{folder}: not a folder dataset/backbone/seed0/method/5way-1shot")
        found = match.groupdict()
        return cls(
            found["dataset"],
            found["backbone"],
            int(found["seed"]),
            found["method"],
            int(found["way"]),
            int(found["shot"]),
        )
