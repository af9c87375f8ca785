"""`source.json`: the archives or tree, found by the `fetch` stage, from which a dataset is split and prepared."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from mtl.data.archives.members import Member, members
from mtl.data.place import Place, roots_in
from mtl.runtime.errors import UserError
from mtl.runtime.files import write_json
from mtl.specs.reading import from_json

LOOK_AGAIN = "to look again, delete source.json of the dataset"


@dataclass(frozen=True)
class Source:
    """What a dataset was found to be, and where.

    Everything that is made from it depends on its content; where it lies does not matter.

    Attributes:
        dataset: a key of `config/datasets.yaml`.
        form: a module of `mtl.data.archives`.
        root: the folder.
        files: SHA-256 of the archives below `root`, by name; empty for an unpacked tree.
        tree: digest of the names and contents of a tree's images, as `digest_of_images` makes it; empty for archives.
        merge: as in `config/datasets.yaml`.
        state: names, sizes and times of the files, as `Place.state` gives them, to notice changes without reading.
        edition: counts how often other images were found in the place of these.
    """

    dataset: str
    form: str
    root: str
    files: dict[str, str]
    tree: str
    merge: list[str]
    state: str
    edition: int

    def place(self, folder: str) -> Place:
        """Where it is now: where it was found, or in a folder that it was moved to.

        Raises:
            UserError: it is in neither.
        """
        for root in [Path(self.root), *roots_in(folder, self.dataset)]:
            if root.is_dir() and all((root / name).is_file() for name in self.files):
                return Place(self.form, root, tuple(self.files), tuple(self.merge))
        gone = next((name for name in self.files if not Path(self.root, name).is_file()), "")
        raise UserError(f"{Path(self.root, gone)}: is gone; point `data` at the folder that {self.dataset} is in now")

    def members(self, folder: str) -> Iterator[Member]:
        """The files inside the archives or tree.

        Raises:
            UserError: it is gone, or an archive is not the one that was verified.
        """
        place = self.place(folder)
        if self.files and place.state({}) != self.state:
            for name, digest in place.digests().items():
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
