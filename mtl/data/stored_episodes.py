"""Stored episodes: the tasks every method is validated and tested on, drawn once."""

from pathlib import Path

import numpy as np

from mtl.data.image_set import ImageSet
from mtl.data.split import read_rows
from mtl.data.tasks import Tasks, TaskShape, draw_uniform
from mtl.runtime.errors import UserError
from mtl.runtime.files import atomic
from mtl.runtime.seeds import numpy_generator
from mtl.specs.drawing import EpisodesSpec, Stored


def write_episodes(spec: EpisodesSpec, split_csv: Path, output: Path) -> None:
    """Draws episodes and stores them as .npz: `classes` (E, way), and `support` and `query` as rows of `split.csv`.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from mtl.data.images_of import numbered_images
        >>> from mtl.data.split import write_split
        >>> classes = {"train": {"a": None}, "val": {"b": None}, "test": dict.fromkeys("cdefg")}
        >>> spec = EpisodesSpec(split="test", way=5, shot=1, query=15, count=600, seed=0)
        >>> with TemporaryDirectory() as folder:
        ...     split, episodes = Path(folder, "split.csv"), Path(folder, "test.npz")
        ...     write_split(numbered_images(classes, 20), split)
        ...     write_episodes(spec, split, episodes)
        ...     {name: array.shape for name, array in np.load(episodes).items()}
        {'classes': (600, 5), 'support': (600, 5), 'query': (600, 75)}
    """
    first, class_of = read_rows(split_csv, spec.split)
    names = np.array(class_of)
    rows_by_class = [first + np.flatnonzero(names == name) for name in dict.fromkeys(class_of)]
    rng = numpy_generator(spec.seed, f"episodes {spec.split} {spec.way} {spec.shot} {spec.query}")
    try:
        tasks = draw_uniform(rows_by_class, TaskShape(spec.way, spec.shot, spec.query), spec.count, rng)
    except UserError as error:
        raise UserError(f"{split_csv}: {error}") from None
    with atomic(output) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, classes=tasks.classes, support=tasks.support, query=tasks.query)


def read_episodes(path: Path, images: ImageSet, expected: Stored) -> Tasks:
    """Reads stored episodes, as indices into the images of their split.

    Raises:
        UserError: the file does not hold episodes, belongs to another split, or has other numbers than expected.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            tasks = Tasks(stored["classes"], stored["support"] - images.first_row, stored["query"] - images.first_row)
        belong = _belong(tasks, images)
    except Exception as error:  # whatever a damaged file makes NumPy and zipfile raise
        raise UserError(f"{path}: not a store of episodes ({error}); delete it and run again") from None
    if not belong:
        raise UserError(f"{path}: its images are not those of this split; delete it and run again")
    count, way = tasks.classes.shape
    query = tasks.query.shape[1] // way
    if (count, query) != (expected.count, expected.query):
        raise UserError(
            f"{path}: has {count} episodes with {query} query images per class, not {expected.count} with "
            f"{expected.query}; delete it and run again"
        )
    return tasks


def _belong(tasks: Tasks, images: ImageSet) -> bool:
    """Whether all images are of the class of their label, and no task has an image twice."""
    rows = np.sort(np.concatenate([tasks.support, tasks.query], axis=1), axis=1)
    if rows.min() < 0 or rows.max() >= len(images.labels) or (rows[:, 1:] == rows[:, :-1]).any():
        return False
    by_class = (images.labels[part].reshape(*tasks.classes.shape, -1) for part in (tasks.support, tasks.query))
    return all((labels == tasks.classes[:, :, None]).all() for labels in by_class)
