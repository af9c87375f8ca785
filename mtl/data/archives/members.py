"""The files inside untrusted archives and trees.

Nothing is unpacked, no path is trusted, and no file can exceed its declared size.
"""

import io
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from mtl.data.archives.walk import walk
from mtl.runtime.errors import UserError

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".zip")


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


def is_archive(name: str) -> bool:
    """Whether a file is named like an archive, in upper or lower case."""
    return name.lower().endswith(ARCHIVES)


def stem(name: str) -> str:
    """A name without the suffix of an archive, and then in lower case: what its other packings are called, too."""
    suffixes = [suffix for suffix in ARCHIVES if name.lower().endswith(suffix)]
    return name.lower().removesuffix(max(suffixes, key=len)) if suffixes else name


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
            if files and is_archive(path.name):
                yield from archive_members(path, file)
            else:
                yield Member(path, PurePosixPath(path.relative_to(root)), path.stat().st_size, file)


def archive_members(path: Path, file: IO[bytes]) -> Iterator[Member]:
    """The regular files in an archive; `path` is its name in errors."""
    return zip_members(path, file) if path.name.lower().endswith(".zip") else tar_members(path, file)


def tar_members(path: Path, file: IO[bytes]) -> Iterator[Member]:
    """The regular files in a tar archive, compressed or not; `path` is its name in errors."""
    try:
        with tarfile.open(fileobj=file) as tar:
            for entry in tar:
                # Nothing is extracted, but an archive that tries to write elsewhere is not a dataset.
                tarfile.data_filter(entry, "/unpacked")
                # A link to a file within the archive is that file.
                if (entry.isreg() or entry.islnk() or entry.issym()) and (content := _content(tar, entry)) is not None:
                    size = content.seek(0, io.SEEK_END)
                    content.seek(0)
                    yield Member(path, PurePosixPath(entry.name), size, content)
            # Read to the end, where a compressed file has its checksum.
            while tar.fileobj is not None and tar.fileobj.read(2**20):
                pass
    except tarfile.FilterError as error:
        raise UserError(f"{path}: refused: {error}") from None
    except Exception as error:  # each compression has its own errors
        raise UserError(f"{path}: damaged archive ({error})") from None


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes] | None:
    """A file in a tar; None if it is a link to something else."""
    try:
        return tar.extractfile(entry)
    except KeyError:
        return None


def zip_members(path: Path, file: IO[bytes]) -> Iterator[Member]:
    """The regular files in a zip archive; `path` is its name in errors."""
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                # Windows writes backslashes.
                name = PurePosixPath(entry.filename.replace("\\", "/"))
                if name.is_absolute() or ".." in name.parts:
                    raise UserError(f"{path}: refused: {entry.filename!r} would be outside the destination")
                if entry.is_dir() or stat.S_ISLNK(entry.external_attr >> 16):
                    continue
                with archive.open(entry) as content:
                    yield Member(path, name, entry.file_size, content)
    except UserError:
        raise
    except Exception as error:  # each compression has its own errors
        raise UserError(f"{path}: damaged archive ({error})") from None
