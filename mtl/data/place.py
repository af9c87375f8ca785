"""A folder that holds a dataset in one of its forms."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mtl.data.archives.images import is_image
from mtl.data.archives.walk import walk
from mtl.data.class_folders import Images, picked
from mtl.runtime.files import sha256


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
        return picked(
            (PurePosixPath(str(path)[below:]) for path in walk(self.root) if is_image(path)), listed, self.merge
        )

    def state(self, images: Mapping[str, Images]) -> str:
        """A digest of names, sizes and times of the archives or the images of a tree: cheap, and new after a change."""
        paths = [self.root / name for name in self.files] or [self.root / path for _, path in _flat(images)]
        facts = ((path, path.stat()) for path in sorted(paths))
        below = len(str(self.root)) + 1
        return _digest(f"{str(path)[below:]} {fact.st_size} {fact.st_mtime_ns}" for path, fact in facts)

    def digests(self) -> dict[str, str]:
        """SHA-256 of the archives, by name."""
        return {name: sha256(self.root / name) for name in self.files}

    def tree(self, images: Mapping[str, Images]) -> str:
        """A digest of the names and contents of a tree's images, wherever they lie; empty for archives."""
        return "" if self.files else digest_of_images((name, sha256(self.root / path)) for name, path in _flat(images))


def roots_in(folder: str, dataset: str) -> list[Path]:
    """Where a dataset may be in the folder of the setting `data`, which may be empty; nowhere if there is none."""
    place = Path(folder).expanduser().resolve()
    return [root for root in (place / dataset, place) if folder and root.is_dir()]


def digest_of_images(digests: Iterable[tuple[str, str]]) -> str:
    """One digest for many images, from their names and digests in any order."""
    return _digest(f"{name} {digest}" for name, digest in sorted(digests))


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _flat(images: Mapping[str, Images]) -> list[tuple[str, PurePosixPath]]:
    return [item for of_class in images.values() for item in of_class.items()]
