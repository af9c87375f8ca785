"""The files inside untrusted archives and trees.

Nothing is unpacked, no path is trusted, and no file can exceed its declared size.
"""

import sys
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from mtl.runtime.errors import UserError

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")


@dataclass(frozen=True)
class Member:
    """A file in an archive or tree. `file` can be read only until the next member is requested."""

    archive: Path
    name: PurePosixPath
    size: int
    file: IO[bytes]

    def refuse_above(self, limit: int) -> None:
        """Ensures that the file has at most `limit` bytes.

        Raises:
            UserError: it has more.
        """
        if self.size > limit:
            raise UserError(f"{self.archive}: {self.name} has {self.size} bytes; at most {limit} are taken")

    def read(self, limit: int) -> bytes:
        """The content.

        Raises:
            UserError: it has more than `limit` bytes, or the archive is damaged.
        """
        self.refuse_above(limit)
        try:
            return self.file.read()
        except Exception as error:  # each compression has its own errors
            raise UserError(f"{self.archive}: damaged archive at {self.name} ({error})") from None


def members(root: Path, files: Sequence[str]) -> Iterator[Member]:
    """All regular files in the given archives and plain files below `root`; without `files`, all files of the tree.

    Raises:
        UserError: an archive is damaged, or holds a path or link that leads out of it.
    """
    for path in [root / name for name in files] or walk(root):
        try:
            file = path.open("rb")
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}") from None
        with file:
            if path.name.endswith(ARCHIVES) and files:
                yield from tar_members(path, file)
            else:
                yield Member(path, PurePosixPath(path.relative_to(root)), path.stat().st_size, file)


def walk(root: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """All files below a folder, ordered by path, without hidden ones.

    Links to folders are followed, but not back up. Folders that may not be read are left out, with a note.

    Args:
        root: the folder.
        above: the real paths of the folders it lies in.
    """
    try:
        paths = sorted(root.iterdir())
    except PermissionError:
        sys.stderr.write(f"note: {root}: may not be read; its files are left out\n")
        return
    here = above | {root.resolve()}
    for path in paths:
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if path.resolve() not in here:
                yield from walk(path, here)
        elif path.is_file():
            yield path


def tar_members(path: Path, file: IO[bytes]) -> Iterator[Member]:
    """The regular files in a tar archive, compressed or not; `path` is its name in errors."""
    try:
        with tarfile.open(fileobj=file) as tar:
            for entry in tar:
                # Nothing is extracted, but an archive that tries to write elsewhere is not a dataset.
                tarfile.data_filter(entry, "/unpacked")
                if entry.isreg() and (content := tar.extractfile(entry)) is not None:
                    yield Member(path, PurePosixPath(entry.name), entry.size, content)
            # Read to the end, where a compressed file has its checksum.
            while tar.fileobj is not None and tar.fileobj.read(2**20):
                pass
    except tarfile.FilterError as error:
        raise UserError(f"{path}: refused: {error}") from None
    except Exception as error:  # each compression has its own errors
        raise UserError(f"{path}: damaged archive ({error})") from None
