"""Work in parts that fit into memory."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import torch

from mtl.runtime.gpus import jobs_per_gpu

Result = TypeVar("Result")
# The rest is for images, workspaces of libraries and gaps between tensors, on a CPU for the program, too.
USABLE = {"cuda": 0.8, "cpu": 0.75}
_said: set[str] = set()


class Parts:
    """Does work part by part. If one does not fit into the memory of the GPU, it and all later ones are halved."""

    def __init__(self, at_once: int, what: str) -> None:
        """Takes how many are done together at most, and what many of them are called in the log."""
        self.at_once = at_once
        self._what = what

    @classmethod
    def that_fit(cls, at_once: int, what: str, each: int, device: torch.device) -> "Parts":
        """Parts of `at_once`, or of fewer if so many, of `each` bytes, are more than the device has room for."""
        fit = max(1, room(device) // max(1, each))
        if fit < at_once:
            _say_once(f"note: memory for {fit} {what} at once, of {each / 1e9:.2f} GB each\n")
        return cls(min(at_once, fit), what)

    def of(self, count: int, work: Callable[[slice], Result]) -> Iterator[Result]:
        """Yields what `work` returns for one stretch of 0 to `count` - 1 after another.

        Raises:
            torch.OutOfMemoryError: a single one does not fit.
        """
        start = 0
        while start < count:
            part = slice(start, min(start + self.at_once, count))
            if (result := self._tried(part, work)) is not None:
                yield result
                start = part.stop

    def whole(self, count: int, work: Callable[[list[slice]], Result]) -> Result:
        """The result of `work` on all stretches of 0 to `count` - 1; it begins anew if one does not fit.

        Raises:
            torch.OutOfMemoryError: a single one does not fit.
        """
        while True:
            steps = range(0, count, min(self.at_once, count))
            parts = [slice(start, min(start + self.at_once, count)) for start in steps]
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
        self.at_once = size // 2
        sys.stderr.write(
            f"note: {size} {self._what} at once do not fit into the memory of the GPU; going on with {self.at_once}\n"
        )
        return None


def room(device: torch.device) -> int:
    """Bytes for the work on a device: most of this process's share of a GPU, or of what the machine or its group has.

    Nothing that is taken and freed again counts, so that the same job makes the same parts wherever it goes on. Jobs of
    one machine do not share it out among each other unless a scheduler gives each a group of its own.
    """
    if device.type == "cuda":
        share = torch.cuda.get_device_properties(device).total_memory // jobs_per_gpu()
        return int(USABLE["cuda"] * share)
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(USABLE["cpu"] * min([installed, *_limits()]))


def _say_once(note: str) -> None:
    if note not in _said:
        _said.add(note)
        sys.stderr.write(note)


def _limits(groups: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")) -> list[int]:
    """What the control groups of this process allow, in bytes: that of a job of a cluster, for instance."""
    found = []
    for line in groups.read_text().splitlines() if groups.is_file() else []:
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(",") or not controllers:
            root, name = ("memory", "memory.limit_in_bytes") if controllers else ("", "memory.max")
            for folder in (Path(path), *Path(path).parents):
                limit = Path(mounted, root, str(folder).lstrip("/"), name)
                if limit.is_file() and (said := limit.read_text().strip()) != "max":
                    found.append(int(said))
    return found
