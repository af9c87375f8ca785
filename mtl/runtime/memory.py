"""Work in parts that fit into the memory of a GPU."""

import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

Result = TypeVar("Result")


class Parts:
    """Does work part by part. If one does not fit into the memory of the GPU, it and all later ones are halved."""

    def __init__(self, at_once: int, what: str) -> None:
        """Takes how many are done together at most, and what many of them are called in the log."""
        self._at_once = at_once
        self._what = what

    def of(self, count: int, work: Callable[[slice], Result]) -> Iterator[Result]:
        """Yields what `work` returns for one stretch of 0 to `count` - 1 after another.

        Raises:
            torch.OutOfMemoryError: a single one does not fit.
        """
        start = 0
        while start < count:
            part = slice(start, min(start + self._at_once, count))
            if (result := self._tried(part, work)) is not None:
                yield result
                start = part.stop

    def whole(self, count: int, work: Callable[[list[slice]], Result]) -> Result:
        """The result of `work` on all stretches of 0 to `count` - 1; it begins anew if one does not fit.

        Raises:
            torch.OutOfMemoryError: a single one does not fit.
        """
        while True:
            steps = range(0, count, min(self._at_once, count))
            parts = [slice(start, min(start + self._at_once, count)) for start in steps]
            if (result := self._tried(parts[0], lambda _: work(parts))) is not None:  # noqa: B023
                return result

    def _tried(self, part: slice, work: Callable[[slice], Result]) -> Result | None:
        size = part.stop - part.start
        try:
            return work(part)
        except torch.OutOfMemoryError:
            if size == 1:
                raise
        # Not in the handler: its traceback holds the tensors of the failed attempt.
        torch.cuda.empty_cache()
        self._at_once = size // 2
        sys.stderr.write(
            f"note: {size} {self._what} at once do not fit into the memory of the GPU; going on with {self._at_once}\n"
        )
        return None
