"""How far a long stage is: one bar on a terminal, one line per report in a log."""

import sys
import time
from types import TracebackType

from tqdm import tqdm


class Progress:
    """Counts iterations; `report` shows the latest numbers."""

    def __init__(self, name: str, total: int, start: int = 0) -> None:
        """Takes what is done, the number of iterations, and how many of them were done before."""
        self._name, self.done, self._start = name, start, start
        self._began = time.monotonic()
        self._bar = tqdm(desc=name, total=total, initial=start, disable=None, leave=True)
        self.total = total

    @property
    def total(self) -> int:
        """Iterations in all; may be set later, and is 0 while unknown."""
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
        """Leaves the bar as it is."""
        self._bar.close()

    def step(self, count: int = 1) -> None:
        """Counts iterations."""
        self.done += count
        self._bar.update(count)

    def report(self, **numbers: float) -> None:
        """Shows `numbers`: beside the bar on a terminal, else as one line with the time that is left."""
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
