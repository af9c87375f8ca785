"""Progress of a long stage: a bar on a terminal, a line per report in a log."""

import sys
import time
from types import TracebackType

from tqdm import tqdm


class Progress:
    """Counts iterations; `report` shows the latest numbers."""

    def __init__(self, name: str, total: int, start: int = 0) -> None:
        """Takes the name of the work, the number of iterations, and how many were done before."""
        self._name = name
        self._start = start
        self.done = start
        self._began = time.monotonic()
        self._bar = tqdm(desc=name, total=total, initial=start, disable=None, leave=True)
        self.total = total

    @property
    def total(self) -> int:
        """Total number of iterations; may be set later, 0 while unknown."""
        return self._total

    @total.setter
    def total(self, total: int) -> None:
        self._total = total
        self._bar.total = total or None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stops the bar and leaves it on the screen."""
        self._bar.close()

    def step(self, count: int = 1) -> None:
        """Counts iterations as done."""
        self.done += count
        self._bar.update(count)

    def report(self, **numbers: float) -> None:
        """Shows `numbers`: beside the bar on a terminal, otherwise as one line with the remaining time."""
        if not self._bar.disable:
            self._bar.set_postfix({name: f"{value:.4g}" for name, value in numbers.items()})
            return
        shown = " ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in numbers.items())
        parts = [f"[{self._name}] {self.done}/{self._total or '?'}", *([shown] if shown else [])]
        if 0 < self.done < self._total:
            each = (time.monotonic() - self._began) / max(1, self.done - self._start)
            parts.append(f"({each * (self._total - self.done):.0f} s left)")
        sys.stderr.write(" ".join(parts) + "\n")
        sys.stderr.flush()
