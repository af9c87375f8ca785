"""`source.json`: the archives or tree, found by the `fetch` stage, from which a dataset is split and prepared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mtl.data.archives.members import Member, members
from mtl.data.class_folders import Images
from mtl.data.place import Content, Place, roots_in
from mtl.runtime.errors import UserError
from mtl.runtime.files import write_json
from mtl.specs.reading import from_json

LOOK_AGAIN = "to look again, delete source.json of the dataset"


@dataclass(frozen=True)
class Source(Content):
    """What a dataset was found to be, and where.

    Everything that is made from it depends on its content; where it lies does not matter.

    Attributes:
        dataset: a key of `config/datasets.yaml`.
        root: the folder.
        merge: as in `config/datasets.yaml`.
        state: of the place, to notice changes without reading.
        edition: tells these images from others that were found in their place later; see `mtl.data.edition`.
    """

    dataset: str
    root: str
    merge: list[str]
    state: str
    edition: str

    @property
    def content(self) -> Content:
        """What was found, without where."""
        return Content(self.form, self.files, self.tree)

    def place(self, listed: Mapping[str, Sequence[str]], folder: str) -> tuple[Place, dict[str, Images]] | None:
        """Where it is now, and the images of a tree: in a folder that it was moved to, or where it was found.

        Args:
            listed: class -> names of its images, empty if a class is a folder.
            folder: the setting `data`.

        Raises:
            UserError: it is not clear which images are meant.
        """
        for root in [*roots_in(folder, self.dataset), Path(self.root)]:
            place = Place(self.form, root, tuple(self.files), tuple(self.merge))
            if not root.is_dir() or not all((root / name).is_file() for name in self.files):
                continue
            images = place.images(listed)
            if self.files or any(images.values()):
                return place, images
        return None

    def members(self, listed: Mapping[str, Sequence[str]], folder: str) -> Iterator[Member]:
        """The files inside the archives or tree; the arguments are those of `place`.

        Raises:
            UserError: it is gone, or an archive is not the one that was verified.
        """
        if (found := self.place(listed, folder)) is None:
            gone = next((name for name in self.files if not Path(self.root, name).is_file()), "")
            raise UserError(
                f"{Path(self.root, gone)}: is gone; point `data` at the folder that {self.dataset} is in now"
            )
        place, images = found
        if self.files and place.state(images) != self.state:
            for name, digest in place.content(images).files.items():
                if digest != self.files[name]:
                    raise UserError(f"{place.root / name}: has changed since it was verified; {LOOK_AGAIN}")
        return members(place.root, place.files)

    def write(self, path: Path) -> None:
        """Stores the record."""
        write_json(path, asdict(self))


def read_source(path: Path) -> Source:
    """Reads `source.json`.

    Raises:
        UserError: the file is not the record of a source.
    """
    try:
        return from_json(Source, path.read_text(encoding="utf-8"), "source")
    except (OSError, ValueError, UserError) as error:
        raise UserError(f"{path}: not a record of a source ({error}); delete it and run again") from None
