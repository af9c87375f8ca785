"""`source.json`: the archives or tree, found by the `fetch` stage, from which a dataset is split and prepared."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from mtl.data.archives.members import Member, members
from mtl.runtime.errors import UserError
from mtl.runtime.files import write_json
from mtl.specs.reading import from_json

LOOK_AGAIN = "to look again, delete source.json of the dataset"


@dataclass(frozen=True)
class Source:
    """Where a dataset is on this machine.

    Attributes:
        form: a module of `mtl.data.archives`.
        root: the folder.
        files: SHA-256 of the archives below `root`, by name; empty for an unpacked tree.
        states: size and modification time of the archives when they were verified, by name.
    """

    form: str
    root: str
    files: dict[str, str]
    states: dict[str, list[int]]

    def members(self) -> Iterator[Member]:
        """The files inside the archives or tree.

        Raises:
            UserError: the folder is gone, or an archive is not the one that was verified.
        """
        if not Path(self.root).is_dir():
            raise UserError(f"{self.root}: is gone; {LOOK_AGAIN}")
        for name, state in self.states.items():
            if state_of(Path(self.root) / name) != state:
                raise UserError(f"{Path(self.root) / name}: has changed since it was verified; {LOOK_AGAIN}")
        return members(Path(self.root), list(self.files))

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


def state_of(path: Path) -> list[int]:
    """Size and modification time of a file, to notice changes without reading it; empty if it is gone."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]
