"""What a long stage needs to go on after it was interrupted, kept beside its results until it has ended."""

import hashlib
import io
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch

from mtl.runtime.errors import UserError
from mtl.runtime.files import atomic

INTERVAL = 60.0  # seconds
SIGNALS = (signal.SIGTERM, signal.SIGINT)

State = dict[str, Any]


def identity(record: State) -> str:
    """A digest of all that a stage's state depends on, from its provenance; commits that touch other code do not."""
    relevant = {key: value for key, value in record.items() if key != "git"}
    return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()


class Checkpoint:
    """Saves the state of a stage every minute, and at once when it is asked to stop; a restart gives the same bytes.

    The time limit of a scheduler asks by SIGTERM, Ctrl-C by SIGINT. What is read back holds tensors, numbers, text,
    lists and dictionaries only, so that nobody's file can run code.
    """

    def __init__(self, path: Path, identity: str) -> None:
        """Takes the file and all that the state depends on: spec, checksums of inputs, code."""
        self._path, self._identity = path, identity
        self._saved, self._signal = time.monotonic(), 0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Checkpoint":
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if kind is None:
            self._path.unlink(missing_ok=True)

    def restore(self) -> State | None:
        """The state to go on from, if there is one of the same spec, inputs and code."""
        try:
            stored = torch.load(self._path, weights_only=True)
            if stored["identity"] == self._identity:
                state: State = stored["state"]
                sys.stderr.write(f"[{self._path.parent.name}] going on from {self._path.name}\n")
                return state
        except FileNotFoundError:
            return None
        except Exception:  # whatever a damaged file makes torch raise
            sys.stderr.write(f"note: {self._path}: damaged; starting anew\n")
            return None
        sys.stderr.write(f"note: {self._path}: of other settings, inputs or code; starting anew\n")
        return None

    def offer(self, state: Callable[[], State]) -> None:
        """To be called between iterations; `state` is only computed when it is saved.

        Raises:
            UserError: the stage was asked to stop; its state has been saved.
        """
        if not self._signal and time.monotonic() - self._saved < INTERVAL:
            return
        content = io.BytesIO()
        torch.save({"identity": self._identity, "state": state()}, content)
        with atomic(self._path) as temporary:
            temporary.write_bytes(content.getvalue())
        self._saved = time.monotonic()
        if self._signal:
            name = signal.Signals(self._signal).name
            raise UserError(f"interrupted by {name}; the same command goes on from {self._path}")

    def _note(self, number: int, _: FrameType | None) -> None:
        self._signal = number
