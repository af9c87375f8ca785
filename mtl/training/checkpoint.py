"""What a long stage needs to resume after an interruption, kept beside its results until it ends."""

import hashlib
import io
import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch

from mtl.runtime.errors import UserError
from mtl.runtime.files import atomic, locked, sha256, write_text

INTERVAL = 5.0  # seconds
SHARE = 0.01  # maximum share of the time spent on saving
SIGNALS = (signal.SIGTERM, signal.SIGINT)
DIGEST = hashlib.sha256().digest_size

State = dict[str, Any]


class Checkpoint:
    """Saves the state of a stage every few seconds, and when it is asked to stop.

    On a CPU a restart gives the same bytes.

    A scheduler's time limit asks by SIGTERM, Ctrl-C by SIGINT; asked twice, the stage ends without saving. Only
    tensors, numbers, text, lists and dictionaries are read back, so that no file can run code.

    A stage that failed by itself, because it diverged, would fail again. The error is kept beside the state, so that
    the next try of a scheduler ends at once.
    """

    def __init__(self, path: Path, record: State) -> None:
        """Takes the file and the provenance of the stage; a state of other settings, inputs or code is useless."""
        self._identity = _identity(record)
        self._path = path
        self._failure = path.with_suffix(".failed")
        self._next = time.monotonic() + INTERVAL
        self._signal = 0
        self._previous: dict[int, Any] = {}
        self._lock = ExitStack()

    def __enter__(self) -> "Checkpoint":
        """Waits for its turn.

        Raises:
            UserError: the stage failed before.
        """
        # A job whose Snakemake was killed may still be writing the same files.
        note = f"note: {self._path.parent}: another job is at work here; waiting for its end"
        with ExitStack() as lock:
            lock.enter_context(locked(self._path.with_suffix(".lock"), note))
            self._check_failure()
            self._lock = lock.pop_all()
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if kind is None:
            self._path.unlink(missing_ok=True)
        elif isinstance(error, UserError) and not self._signal:
            write_text(self._failure, f"{self._identity}\n{error}\n")
        self._lock.close()

    def _check_failure(self) -> None:
        if self._failure.exists():
            identity, _, message = self._failure.read_text(encoding="utf-8").partition("\n")
            if identity == self._identity:
                raise UserError(f"{message} (an earlier try; to repeat it, delete {self._failure})")
            self._failure.unlink()

    def restore(self) -> State | None:
        """The state to resume from, on the CPU, if there is one of the same settings, inputs and code."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            # torch does not verify the checksums in its own files.
            if hashlib.sha256(content[DIGEST:]).digest() != content[:DIGEST]:
                raise ValueError
            stored = torch.load(io.BytesIO(content[DIGEST:]), map_location="cpu", weights_only=True)
            identity, state = stored["identity"], stored["state"]
        except Exception:  # whatever a damaged file makes torch raise
            sys.stderr.write(f"note: {self._path}: damaged; starting anew\n")
            return None
        if identity != self._identity:
            sys.stderr.write(f"note: {self._path}: of other settings, inputs or code; starting anew\n")
            return None
        sys.stderr.write(f"note: going on from {self._path}\n")
        return dict(state)

    def offer(self, state: Callable[[], State]) -> None:
        """Call it between iterations; `state` is only computed when it is saved.

        Raises:
            UserError: the stage was asked to stop; its state has been saved.
        """
        began = time.monotonic()
        if not self._signal and began < self._next:
            return
        content = io.BytesIO()
        torch.save({"identity": self._identity, "state": state()}, content)
        with atomic(self._path) as temporary:
            temporary.write_bytes(hashlib.sha256(content.getbuffer()).digest() + content.getbuffer())
        now = time.monotonic()
        self._next = now + max(INTERVAL, (now - began) / SHARE)
        if self._signal:
            name = signal.Signals(self._signal).name
            raise UserError(f"interrupted by {name}; the same command goes on from {self._path}")

    def _note(self, number: int, _: FrameType | None) -> None:
        signal.signal(number, self._previous[number])
        self._signal = number


def finished(summary: Path, record: State) -> bool:
    """Whether a stage of the same settings, inputs and code has written its summary and all of its other files.

    So it is if this job waited for another one that did the same work. Prints a note.
    """
    try:
        written = json.loads(summary.read_text(encoding="utf-8"))
        if _identity(written["provenance"]) != _identity(record):
            return False
        if any(sha256(summary.with_name(name)) != digest for name, digest in written["outputs"].items()):
            return False
    except (OSError, ValueError, KeyError):
        return False
    sys.stderr.write(f"note: {summary}: is finished, by the same settings, inputs and code; nothing to do\n")
    return True


def _identity(record: State) -> str:
    """A digest of what decides the bytes of a stage. Commits to other code do not."""
    relevant = {key: value for key, value in record.items() if key != "git"}
    return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()
