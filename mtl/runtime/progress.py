"""How far a long stage is: one bar on a terminal, one line per report in a log."""

import sys
import time
from types import TracebackType

from tqdm import tqdm


class Progress:
    """Counts iterations; `report` shows the latest numbers."""

    def __init__(self, name: str, total: int, start: int = 0) -> None:
        self._name, self._total, self._done = name, total, start
        self._began, self._start = time.monotonic(), start
        self._bar = tqdm(desc=name, total=total, initial=start, disable=None, leave=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._bar.close()

    def step(self) -> None:
        """Counts one iteration."""
        self._done += 1
        self._bar.update()

    def report(self, **numbers: float) -> None:
        """Shows `numbers`: beside the bar on a terminal, else as one line with the time that is left."""
        if not self._bar.disable:
            self._bar.set_postfix({name: f"{value:.4g}" for name, value in numbers.items()})
            return
        shown = " ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in numbers.items())
        steps = self._done - self._start
        left = (time.monotonic() - self._began) / steps * (self._total - self._done) if steps else None
        eta = "" if left is None else f", {left:.0f} s left"
        sys.stderr.write(f"[{self._name}] {self._done}/{self._total} {shown}{eta}\n")
        sys.stderr.flush()
