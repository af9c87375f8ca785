"""Task samplers draw meta-batches and observe accuracies: `uniform` ignores them, `hard` trains on failure classes."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from mtl.data.tasks import Tasks, TaskShape, draw_task, draw_uniform, stack
from mtl.runtime.seeds import numpy_state, set_numpy_state
from mtl.specs.meta_training import HardTasks


class TaskSampler(Protocol):
    """Draws the tasks of meta-training.

    Attributes:
        listens: whether `observe` has any effect, so that accuracies need to be fetched for it.
    """

    listens: bool

    def draw(self) -> tuple[str, Tasks]:
        """The next meta-batch, and its phase: `plain` or `hard`."""

    def observe(self, accuracy: np.ndarray) -> list[int]:
        """Takes the query accuracy per class, after adaptation, of the meta-batch drawn last: (T, way) in [0, 1].

        Returns the failure classes that it found, 0 to classes - 1, one for each task or none at all.
        """

    def state(self) -> dict[str, Any]:
        """What it needs to resume after `observe`, for a checkpoint."""

    def restore(self, state: dict[str, Any]) -> None:
        """Restores what `state` returned."""


class UniformSampler:
    """Random classes, random images (Algorithm 1, line 9)."""

    listens = False

    def __init__(
        self, rows_by_class: Sequence[np.ndarray], shape: TaskShape, tasks: int, rng: np.random.Generator
    ) -> None:
        self._rows = rows_by_class
        self._shape = shape
        self._tasks = tasks
        self._rng = rng

    def draw(self) -> tuple[str, Tasks]:
        """A meta-batch of uniformly drawn tasks."""
        return "plain", draw_uniform(self._rows, self._shape, self._tasks, self._rng)

    def observe(self, accuracy: np.ndarray) -> list[int]:
        """Finds nothing: uniform sampling ignores accuracies."""
        return []

    def state(self) -> dict[str, Any]:
        """Its random stream."""
        return {"rng": numpy_state(self._rng)}

    def restore(self, state: dict[str, Any]) -> None:
        """Restores what `state` returned."""
        set_numpy_state(self._rng, state["rng"])


class HardSampler:
    """The hard-task meta-batch around another sampler (Algorithm 1, lines 15 to 20; counts as in the extension).

    It collects the class with the lowest query accuracy of each task of `plain` in a pool. After `every` plain
    meta-batches, `tasks` hard tasks of pool classes follow, with images that none of those plain tasks had. Then the
    pool is emptied. A pool of fewer than `way` classes gives no hard phase.

    With `random_classes`, as many random classes replace the pool: a control that separates the effect of hard classes
    from that of drawing from fewer classes.

    Examples:
        Say how each meta-batch went, and after three plain ones two hard ones follow, of the classes that failed:

        >>> rows_by_class, shape = np.arange(400).reshape(20, 20), TaskShape(way=5, shot=1, query=3)
        >>> plain = UniformSampler(rows_by_class, shape, tasks=4, rng=np.random.default_rng(0))
        >>> hard = HardTasks(every=3, tasks=8)
        >>> sampler = HardSampler(plain, rows_by_class, shape, 4, hard, np.random.default_rng(1), random_classes=False)
        >>> phases, failed = [], set()
        >>> for _ in range(5):
        ...     phase, tasks = sampler.draw()
        ...     phases.append(phase)
        ...     failed |= set(sampler.observe(np.tile([0.9, 0.8, 0.1, 0.7, 0.6], (4, 1))))
        >>> phases
        ['plain', 'plain', 'plain', 'hard', 'hard']
        >>> set(tasks.classes.ravel()) <= failed
        True
    """

    listens = True

    def __init__(
        self,
        plain: TaskSampler,
        rows_by_class: Sequence[np.ndarray],
        shape: TaskShape,
        meta_batch: int,
        hard: HardTasks,
        rng: np.random.Generator,
        random_classes: bool,
    ) -> None:
        self._plain = plain
        self._rows = rows_by_class
        self._shape = shape
        self._rng = rng
        self._every = hard.every
        self._hard_meta_batches = hard.tasks // meta_batch
        self._meta_batch = meta_batch
        self._random_classes = random_classes
        self._observed = 0
        self._hard_left = 0
        self._pool: set[int] = set()
        self._seen: set[int] = set()
        self._last: Tasks | None = None

    def draw(self) -> tuple[str, Tasks]:
        """The next meta-batch, plain or hard."""
        if self._hard_left:
            self._hard_left -= 1
            tasks = self._draw_hard()
            if not self._hard_left:
                self._begin_plain_phase()
            return "hard", tasks
        phase, self._last = self._plain.draw()
        return phase, self._last

    def observe(self, accuracy: np.ndarray) -> list[int]:
        """Adds the failure classes of a plain meta-batch to the pool; hard tasks add none."""
        if self._last is None:
            return []
        self._plain.observe(accuracy)
        labels = self._failed(accuracy)
        failed: list[int] = self._last.classes[np.arange(len(labels)), labels].tolist()
        self._pool.update(failed)
        self._seen.update(self._last.support.ravel().tolist(), self._last.query.ravel().tolist())
        self._last = None
        self._observed += 1
        if self._observed == self._every:
            self._begin_hard_phase()
        return failed

    def state(self) -> dict[str, Any]:
        """The random streams, and the position in the cycle."""
        return {
            "plain": self._plain.state(),
            "rng": numpy_state(self._rng),
            "observed": self._observed,
            "hard_left": self._hard_left,
            "pool": sorted(self._pool),
            "seen": sorted(self._seen),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restores what `state` returned."""
        self._plain.restore(state["plain"])
        set_numpy_state(self._rng, state["rng"])
        self._observed = state["observed"]
        self._hard_left = state["hard_left"]
        self._pool = set(state["pool"])
        self._seen = set(state["seen"])

    def _failed(self, accuracy: np.ndarray) -> np.ndarray:
        """The label of each task that failed: (T, way) accuracies to (T,)."""
        labels: np.ndarray = np.argmin(accuracy, axis=1)
        return labels

    def _begin_plain_phase(self) -> None:
        self._observed = 0
        self._pool = set()
        self._seen = set()

    def _begin_hard_phase(self) -> None:
        if len(self._pool) < self._shape.way:
            self._begin_plain_phase()
            return
        if self._random_classes:
            self._pool = set(self._rng.choice(len(self._rows), len(self._pool), replace=False).tolist())
        self._hard_left = self._hard_meta_batches

    def _draw_hard(self) -> Tasks:
        pool = np.array(sorted(self._pool))
        drawn = []
        for _ in range(self._meta_batch):
            classes = self._rng.choice(pool, self._shape.way, replace=False)
            drawn.append((classes, draw_task(self._rows, classes, self._shape, self._rng, self._seen)))
        return stack(drawn)


class StaleHardSampler(HardSampler):
    """The hard-task meta-batch with the mistake of the authors' code, which makes failure classes effectively random.

    Their list of accuracies is never emptied, while that of classes is. So from the second cycle on, the label that
    failed in the i-th task of a cycle is taken to be the one that failed in the i-th task of the first.
    """

    _labels: tuple[int, ...] = ()

    def state(self) -> dict[str, Any]:
        """Also the labels that failed in the first cycle."""
        return {**super().state(), "labels": list(self._labels)}

    def restore(self, state: dict[str, Any]) -> None:
        """Restores what `state` returned."""
        super().restore(state)
        self._labels = tuple(state["labels"])

    def _failed(self, accuracy: np.ndarray) -> np.ndarray:
        before = self._observed * self._meta_batch
        if len(self._labels) == before:
            self._labels += tuple(super()._failed(accuracy).tolist())
        return np.array(self._labels[before : before + self._meta_batch])


def build_sampler(
    meta_batch: str,
    rows_by_class: Sequence[np.ndarray],
    shape: TaskShape,
    tasks: int,
    hard: HardTasks | None,
    rngs: tuple[np.random.Generator, np.random.Generator],
) -> TaskSampler:
    """The sampler of a method; `meta_batch` is a key of its row, and `rngs` draw plain and hard tasks."""
    plain = UniformSampler(rows_by_class, shape, tasks, rngs[0])
    if hard is None:
        return plain
    kind = StaleHardSampler if meta_batch == "hard-stale" else HardSampler
    return kind(plain, rows_by_class, shape, tasks, hard, rngs[1], meta_batch == "hard-random")
