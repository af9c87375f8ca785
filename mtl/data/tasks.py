"""Tasks: a few classes with their support and query images, and how to draw them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from mtl.runtime.errors import UserError


@dataclass(frozen=True)
class Tasks:
    """T tasks of `way` classes; images are ordered by class, so labels need no storing.

    Attributes:
        classes: (T, way) class of each label.
        support: (T, way * shot) image indices.
        query: (T, way * query) image indices.
    """

    classes: np.ndarray
    support: np.ndarray
    query: np.ndarray


@dataclass(frozen=True)
class TaskShape:
    """The size of a task: `way` classes with `shot` support and `query` query images each."""

    way: int
    shot: int
    query: int


def labels(way: int, per_class: int) -> np.ndarray:
    """Labels for `per_class` images of each of `way` classes, in the order of `Tasks`: (way * per_class,).

    Examples:
        >>> labels(way=3, per_class=2)
        array([0, 0, 1, 1, 2, 2])
    """
    return np.repeat(np.arange(way), per_class)


def draw_task(
    rows_by_class: Sequence[np.ndarray],
    classes: np.ndarray,
    shape: TaskShape,
    rng: np.random.Generator,
    stale: Collection[int] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Draws support (way * shot,) and query (way * query,) images of the given classes; the two never overlap.

    Images in `stale` are taken only once a class has no others left.

    Raises:
        UserError: a class has fewer images than a task needs.
    """
    support, query = [], []
    for label in classes:
        shuffled = rng.permutation(rows_by_class[label])
        if len(shuffled) < shape.shot + shape.query:
            raise UserError(
                f"a class has {len(shuffled)} images, but a task needs {shape.shot} + {shape.query} (shot + query)"
            )
        if stale:
            shuffled = shuffled[np.argsort([row in stale for row in shuffled], kind="stable")]
        support.append(shuffled[: shape.shot])
        query.append(shuffled[shape.shot : shape.shot + shape.query])
    return np.concatenate(support), np.concatenate(query)


def with_mirrored_support(tasks: Tasks, images: int) -> Tasks:
    """Adds the mirror images to each support set; the mirror image of image i is image i + `images`."""
    support = tasks.support.reshape(*tasks.classes.shape, -1)
    doubled = np.concatenate([support, support + images], axis=2)
    return Tasks(tasks.classes, doubled.reshape(len(doubled), -1), tasks.query)


def stack(drawn: Sequence[tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]]) -> Tasks:
    """Joins (classes, (support, query)) pairs into one batch of tasks."""
    return Tasks(
        np.stack([classes for classes, _ in drawn]),
        np.stack([support for _, (support, _) in drawn]),
        np.stack([query for _, (_, query) in drawn]),
    )


def draw_uniform(rows_by_class: Sequence[np.ndarray], shape: TaskShape, count: int, rng: np.random.Generator) -> Tasks:
    """Draws `count` tasks of random classes.

    Raises:
        UserError: there are fewer classes than ways, or a class has too few images.

    Examples:
        Four tasks of 5 classes out of 10, which have images 0 to 19, 20 to 39, and so on:

        >>> rows_by_class = np.arange(200).reshape(10, 20)
        >>> tasks = draw_uniform(rows_by_class, TaskShape(way=5, shot=1, query=15), 4, np.random.default_rng(0))
        >>> tasks.classes.shape, tasks.support.shape, tasks.query.shape
        ((4, 5), (4, 5), (4, 75))
        >>> bool((tasks.support // 20 == tasks.classes).all())
        True
    """
    if len(rows_by_class) < shape.way:
        raise UserError(f"the split has {len(rows_by_class)} classes, but a task needs {shape.way} (way)")
    drawn = []
    for _ in range(count):
        classes = rng.choice(len(rows_by_class), shape.way, replace=False)
        drawn.append((classes, draw_task(rows_by_class, classes, shape, rng)))
    return stack(drawn)
