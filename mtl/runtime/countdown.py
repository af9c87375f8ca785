"""How far a run of many jobs is, and about how long it will take from here."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping


class Countdown:
    """Hears of jobs, and says after each cell how many are finished.

    Jobs of one kind are taken to last equally long, and as many to run at once as did so far. There is no estimate
    before one job of each kind that takes long has finished.
    """

    def __init__(self, cells: str, long: Collection[str], clock: Callable[[], float] = time.monotonic) -> None:
        """Takes the kind of the job that finishes a cell, and the kinds that take long."""
        self._cells, self._long, self._clock = cells, long, clock
        self._began = clock()
        self._planned = Counter[str]()
        self._running: dict[int, tuple[str, float]] = {}
        self._seconds = defaultdict[str, list[float]](list)

    def plan(self, counts: Mapping[str, int]) -> None:
        """Takes how many jobs of each kind the run has."""
        self._planned = Counter(counts)
        self._began = self._clock()

    def started(self, job: int, kind: str) -> None:
        """Notes that a job has been started."""
        self._running[job] = kind, self._clock()

    def finished(self, job: int) -> str | None:
        """Notes that a job has finished, and returns what there is to say, if it was the last of a cell."""
        if job not in self._running:
            return None
        kind, since = self._running.pop(job)
        self._seconds[kind].append(self._clock() - since)
        if kind != self._cells or self._planned[kind] < 2:
            return None
        left = self._left()
        said = f"{len(self._seconds[kind])} of {self._planned[kind]} cells finished"
        return said if left is None else f"{said}, {in_words(left)} left"

    def _left(self) -> float | None:
        """Seconds, None if unknown or if nothing that is known is left."""
        waiting = {kind: count - len(self._seconds[kind]) for kind, count in self._planned.items()}
        if any(waiting.get(kind, 0) and not self._seconds[kind] for kind in self._long):
            return None
        means = {kind: sum(seconds) / len(seconds) for kind, seconds in self._seconds.items() if seconds}
        now = self._clock()
        # A job that takes longer than others of its kind may end at any moment.
        spent = {job: (kind, now - since) for job, (kind, since) in self._running.items()}
        work = sum(means[kind] * waiting.get(kind, 0) for kind in means)
        work -= sum(min(seconds, means.get(kind, 0.0)) for kind, seconds in spent.values())
        if work <= 0:
            return None
        done = sum(map(sum, self._seconds.values())) + sum(seconds for _, seconds in spent.values())
        return work * max(now - self._began, 1e-9) / max(done, 1e-9)


def in_words(seconds: float) -> str:
    """About how long, without more digits than an estimate has."""
    if seconds < 45:
        return "less than a minute"
    if seconds < 90:
        return "about a minute"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3600:.0f} hours"
