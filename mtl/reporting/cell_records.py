"""One cell on disk, whatever state it is in: where its files are, and what its stages recorded."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mtl.experiment.cell import NO_CELL, Cell
from mtl.reporting.records import records_of
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record

STAGES = {"evaluate": "evaluation", "meta_train": "meta-training", "pretrain": "pre-training"}
DEPTH = 5  # folders from the results to a cell
PATH = "path"


class CellRecords(NamedTuple):
    """A cell and the records of the stages behind it.

    Attributes:
        cell: which one it is.
        results: the folder of results that it is in, relative to the current folder.
        trained: the folder of its meta-training; that of another method if it takes the model of that one.
        records: what each stage recorded, by the names of stages; only of those that have finished.
    """

    cell: Cell
    results: Path
    trained: Path
    records: dict[str, dict[str, Any]]

    @property
    def folder(self) -> Path:
        """The folder of the cell."""
        return self.results / self.cell.folder

    @property
    def name(self) -> str:
        """The cell in words."""
        cell = self.cell
        return f"{cell.method} on {cell.dataset}, {cell.backbone}, seed {cell.seed}, {cell.way}-way {cell.shot}-shot"

    def specs(self) -> dict[str, dict[str, Any]]:
        """The spec of each stage."""
        return {stage: record["provenance"]["spec"] for stage, record in self.records.items()}

    def digest(self, stage: str, role: str) -> str | None:
        """The SHA-256 of a file that a stage read, None if it read no such file."""
        entry = self.records[stage]["provenance"]["inputs"].get(role)
        # Of files that were published without their inputs, only the digest is left.
        found: str | None = entry["sha256"] if isinstance(entry, Mapping) else entry
        return found


def cell_at(path: Path) -> tuple[Path, Cell]:
    """The folder of results, relative to the current folder, and the cell of a path.

    Args:
        path: the folder of a cell, `<results>/dataset/backbone/seed0/method/5way-1shot`, or a file in it.

    Raises:
        UserError: there is no such folder, or it is not that of a cell.
    """
    folder = path if path.is_dir() else path.parent
    if not (folder.is_dir() and (path.is_dir() or path.suffix)):
        raise UserError(f"{path}: there is no such folder or file; snakemake makes it")
    folder = folder.resolve()
    try:
        cell = Cell.in_folder("/".join(folder.parts[-DEPTH:]))
    except UserError:
        raise UserError(f"{path}: {NO_CELL}") from None
    return Path(os.path.relpath(folder.parents[DEPTH - 1])), cell


def read_cell(path: Path) -> CellRecords:
    """Reads what the stages of a cell recorded.

    Args:
        path: as for `cell_at`.

    Raises:
        UserError: it is not a cell, or a record is damaged.
    """
    results, cell = cell_at(path)
    paths = records_of(cell.folder, results)
    records = {"evaluate": _record(paths["evaluate"])} if paths["evaluate"].is_file() else {}
    trained = results / cell.folder
    if records:
        trained = _folder_of_model(records["evaluate"], trained, results)
    if (training := trained / "training.json").is_file():
        records["meta_train"] = _record(training)
    # The folder may hold a pre-training that this method does not use.
    used = any("pretrained" in record["provenance"]["inputs"] for record in records.values())
    if (used or not records) and paths["pretrain"].is_file():
        records["pretrain"] = _record(paths["pretrain"])
    return CellRecords(cell, results, trained, records)


def _record(path: Path) -> dict[str, Any]:
    for keys in (("provenance", "spec"), ("provenance", "inputs")):
        if not isinstance(read_record(path, *keys), dict):
            raise UserError(f"{path}: {'.'.join(keys)} is not a mapping; delete it and run again")
    record: dict[str, Any] = read_record(path)
    return record


def _folder_of_model(evaluation: Mapping[str, Any], own: Path, results: Path) -> Path:
    """Where the model of an evaluated cell comes from: paths are recorded relative to the project."""
    model = evaluation["provenance"]["inputs"].get("model")
    if not isinstance(model, Mapping) or PATH not in model:
        return own
    return results.joinpath(*Path(model[PATH]).parent.parts[-DEPTH:])
