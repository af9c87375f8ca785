"""The files of a tree as people arrange them: with links, closed folders and hidden files."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from mtl.runtime.errors import UserError

DEEPEST = 64  # folders within each other
_said: set[str] = set()


def walk(root: Path) -> Iterator[Path]:
    """All files below a folder, ordered by path, without hidden ones.

    Links are followed, but not back up. Folders that may not be read, and links that lead nowhere, are left out with a
    note.

    Raises:
        UserError: folders are nested too deeply.
    """
    lost: list[Path] = []
    yield from _files(root, (), lost)
    if lost:
        _note(f"{lost[0]}: leads nowhere; links left out below {root}: {len(lost)}")


def _files(folder: Path, above: tuple[Path, ...], lost: list[Path]) -> Iterator[Path]:
    """The files below a folder, which lies in the folders with the real paths `above`."""
    if len(above) > DEEPEST:
        raise UserError(f"{folder}: lies more than {DEEPEST} folders deep")
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except PermissionError:
        _note(f"{folder}: may not be read; its files are left out")
        return
    here = (*above, folder.resolve())
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = folder / entry.name
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError:  # a link to itself
            is_folder = is_file = False
        if is_folder:
            if not entry.is_symlink() or path.resolve() not in here:
                yield from _files(path, here, lost)
        elif is_file:
            yield path
        elif entry.is_symlink():
            lost.append(path)


def _note(line: str) -> None:
    """Says something once, however often a tree is walked."""
    if line not in _said:
        _said.add(line)
        sys.stderr.write(f"note: {line}\n")
