"""A folder that holds a dataset in one of its forms."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mtl.data.archives.images import is_image
from mtl.data.archives.walk import walk
from mtl.data.class_folders import Images, picked
from mtl.runtime.errors import UserError
from mtl.runtime.files import sha256


@dataclass(frozen=True)
class Content:
    """What a place holds, wherever it is.

    Attributes:
        form: a module of `mtl.data.archives`.
        files: SHA-256 of the archives, by name; empty for an unpacked tree.
        tree: digest of the names and contents of a tree's images, as `digest_of_images` makes it; empty for archives.
    """

    form: str
    files: dict[str, str]
    tree: str


@dataclass(frozen=True)
class Place:
    """Where a dataset is.

    Attributes:
        form: a module of `mtl.data.archives`.
        root: the folder.
        files: the archives or files in it; none for an unpacked tree of images.
        merge: the parts of a tree, as in `config/datasets.yaml`.
    """

    form: str
    root: Path
    files: tuple[str, ...] = ()
    merge: tuple[str, ...] = ()

    def images(self, listed: Mapping[str, Sequence[str]]) -> dict[str, Images]:
        """The images of a tree, class by class; nothing for archives.

        Args:
            listed: class -> names of its images, empty if a class is a folder.

        Raises:
            UserError: it is not clear which images are meant.
        """
        if self.files:
            return {}
        # Text, because paths are slow and trees are large.
        below = len(str(self.root)) + 1
        files = (PurePosixPath(str(path)[below:]) for path in walk(self.root) if is_image(path))
        return picked(files, listed, self.merge)

    def state(self, images: Mapping[str, Images]) -> str:
        """A digest of names, sizes and times of the archives or the images of a tree: cheap, and new after a change."""
        paths = {name: self.root / name for name in self.files} or dict(self._named(images))
        facts = ((name, path.stat()) for name, path in sorted(paths.items()))
        # The time of change as well, because that of modification can be set.
        return _digest(f"{name} {fact.st_size} {fact.st_mtime_ns} {fact.st_ctime_ns}" for name, fact in facts)

    def content(self, images: Mapping[str, Images]) -> Content:
        """Reads all that is there."""
        files = {name: sha256(self.root / name) for name in self.files}
        tree = "" if files else digest_of_images((name, sha256(path)) for name, path in self._named(images))
        return Content(self.form, files, tree)

    def _named(self, images: Mapping[str, Images]) -> list[tuple[str, Path]]:
        return [(name, self.root / path) for of_class in images.values() for name, path in of_class.items()]


def roots_in(folder: str, dataset: str) -> list[Path]:
    """Where a dataset may be in the folder of the setting `data`, which may be empty; nowhere if there is none.

    Raises:
        UserError: the folder may not be looked into, or its path makes no sense.
    """
    try:
        folder.encode()
        place = Path(folder).expanduser().resolve()
        return [root for root in (place / dataset, place) if folder and root.is_dir()]
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"config: data: {folder!r}: {error}") from None


def digest_of_images(digests: Iterable[tuple[str, str]]) -> str:
    """One digest for many images, from their names and digests in any order."""
    return _digest(f"{name} {digest}" for name, digest in sorted(digests))


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
