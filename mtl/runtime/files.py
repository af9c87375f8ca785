"""Files that appear whole or not at all, with the same bytes for the same content."""

import csv
import errno
import fcntl
import glob
import hashlib
import io
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mtl.runtime.errors import UserError


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; renames it to `path` if the block succeeds, removes it otherwise.

    Also removes temporary files for `path` that killed processes left on this machine.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.stem}.{platform.node()}."
    for left in path.parent.glob(f"{glob.escape(prefix)}*{path.suffix}"):
        pid = left.name.removeprefix(prefix).removesuffix(path.suffix)
        if pid.isdecimal() and not _alive(int(pid)):
            left.unlink(missing_ok=True)
    # The suffix stays last, because writers such as matplotlib infer the format from it.
    temporary = path.with_name(f"{prefix}{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    """Whether a process runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


@contextmanager
def locked(path: Path, note: str) -> Iterator[None]:
    """Holds a lock on a file, which the kernel releases when the process ends, however it ends; then removes the file.

    Args:
        path: the file.
        note: what to tell the user before waiting for another process that holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("w") as file:
            with supported():
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    sys.stderr.write(f"{note}\n")
                    fcntl.flock(file, fcntl.LOCK_EX)
            # If the previous holder has removed the file, this lock excludes nobody: take a new one.
            if os.fstat(file.fileno()).st_nlink:
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return


@contextmanager
def supported() -> Iterator[None]:
    """Goes on without a lock if the file system supports none, as on some clusters."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK):
            raise


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path` atomically, with Unix line endings."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    """Writes `content` as indented JSON, keys in the order given."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Writes a CSV file atomically, with Unix line endings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_json(text: str, where: str) -> Any:
    """Parses JSON passed on the command line.

    Raises:
        UserError: the text is not JSON; `where` names the option.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: not JSON: {error}") from None


def read_record(path: Path, *keys: str) -> Any:
    """Reads a value from a JSON file that a stage wrote, by its path of keys.

    Raises:
        UserError: the file or the value is missing.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        for key in keys:
            value = value[key]
    except FileNotFoundError:
        raise UserError(f"{path}: is not there; build it with snakemake") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path}: has no {'.'.join(keys)}; delete it and run again") from None
    return value


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
