"""What a cell took each query of its test episodes for, with the images: read once for several sections."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mtl.data.split import read_split
from mtl.experiment.cell import Cell
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record


@dataclass(frozen=True)
class CloserLook:
    """A cell's test episodes and predictions.

    Attributes:
        cell: the cell.
        images: (N, H, W, 3) uint8, all images of the dataset, on disk; None if they are gone.
        class_of: (N,) names of the classes of the images.
        classes: (E, way) places among the test classes.
        support: (E, way * shot) rows of `split.csv`.
        query: (E, way * queries) likewise.
        predicted: (E, way * queries) labels, 0 to way - 1.
        test_classes: the names of the test classes.
        train_classes: those of the training classes.
    """

    cell: Cell
    images: np.ndarray | None
    class_of: list[str]
    classes: np.ndarray
    support: np.ndarray
    query: np.ndarray
    predicted: np.ndarray
    test_classes: list[str]
    train_classes: list[str]

    @property
    def right(self) -> np.ndarray:
        """Whether each query was taken for what it is: (E, way, queries)."""
        count, way = self.classes.shape
        right: np.ndarray = self.predicted.reshape(count, way, -1) == np.arange(way)[:, None]
        return right

    def first_image(self, name: str) -> np.ndarray | None:
        """The first image of a class, to recognise it by: (H, W, 3)."""
        return None if self.images is None else self.images[self.class_of.index(name)]


def closer_look(folder: str, results: Path) -> CloserLook | None:
    """Reads what a cell was tested on and what it predicted; None if there are no predictions or episodes.

    Args:
        folder: the cell's folder, below the results.
        results: the folder of results.

    Raises:
        UserError: a file is damaged.
    """
    predictions = results / folder / "predictions.npz"
    if not predictions.is_file():
        return None
    inputs = read_record(results / folder / "evaluation.json", "provenance", "inputs")
    episodes, split, images = (Path(inputs[role]["path"]) for role in ("test_episodes", "split", "images"))
    if not (episodes.is_file() and split.is_file()):
        return None
    predicted = _arrays(predictions, "predicted")["predicted"]
    stored = _arrays(episodes, "classes", "support", "query")
    if predicted.shape != stored["query"].shape:
        raise UserError(f"{predictions}: is not about the episodes of {episodes}; delete it and run again")
    rows = read_split(split)
    return CloserLook(
        cell=Cell.in_folder(folder),
        images=np.load(images, mmap_mode="r", allow_pickle=False) if images.is_file() else None,
        class_of=[row.class_name for row in rows],
        predicted=predicted,
        test_classes=list(dict.fromkeys(row.class_name for row in rows if row.split == "test")),
        train_classes=list(dict.fromkeys(row.class_name for row in rows if row.split == "train")),
        **stored,
    )


def _arrays(path: Path, *names: str) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except Exception as error:  # whatever a damaged file makes NumPy and zipfile raise
        raise UserError(f"{path}: not the arrays that were stored ({error}); delete it and run again") from None
