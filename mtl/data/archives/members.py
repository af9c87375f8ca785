"""The files inside archives and trees, as strangers made them.

Nothing is unpacked, no path is trusted, no file is larger than said.
"""

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from mtl.runtime.errors import UserError

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")


@dataclass(frozen=True)
class Member:
    """A file in an archive or tree. `file` can be read only until the next member is asked for."""

    archive: Path
    name: PurePosixPath
    size: int
    file: IO[bytes]

    def refuse_above(self, limit: int) -> None:
        """Makes sure that the file has at most `limit` bytes.

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
        except Exception as error:  # each compression has errors of its own
            raise UserError(f"{self.archive}: damaged archive at {self.name} ({error})") from None


def members(root: Path, files: Sequence[str]) -> Iterator[Member]:
    """All regular files in the given archives and plain files below `root`; without any, all files of the tree.

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


def walk(root: Path) -> Iterator[Path]:
    """All files below a folder, in order of their paths; hidden ones, links to folders and closed folders left out."""
    try:
        paths = sorted(root.iterdir())
    except PermissionError:
        return
    for path in paths:
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from walk(path)
        elif path.is_file():
            yield path


def tar_members(path: Path, file: IO[bytes]) -> Iterator[Member]:
    """The regular files in a tar archive, compressed or not; `path` is what errors call it."""
    try:
        with tarfile.open(fileobj=file) as tar:
            for entry in tar:
                # Nothing is extracted, but an archive that would write elsewhere is no dataset.
                tarfile.data_filter(entry, "/unpacked")
                if entry.isreg() and (content := tar.extractfile(entry)) is not None:
                    yield Member(path, PurePosixPath(entry.name), entry.size, content)
            # The checksum of a compressed file comes last.
            while tar.fileobj is not None and tar.fileobj.read(2**20):
                pass
    except tarfile.FilterError as error:
        raise UserError(f"{path}: refused: {error}") from None
    except Exception as error:  # each compression has errors of its own
        raise UserError(f"{path}: damaged archive ({error})") from None
