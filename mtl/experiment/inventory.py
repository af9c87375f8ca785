"""Which files of an experiment exist or belong to it: for partial tables, deleted cells and the manifest."""

from pathlib import Path

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid
from mtl.experiment.reports import Reports
from mtl.specs.reading import as_json


class Inventory:
    """Answers rules that ask what is in the folders of an experiment."""

    def __init__(self, grid: Grid, reports: Reports) -> None:
        self._grid = grid
        self._reports = reports
        self._results = Path(grid.config.pathvars.results)
        self._logs = Path(grid.config.pathvars.logs)

    def cells(self) -> list[Cell]:
        """The cells of all tables, each once."""
        return list(dict.fromkeys(cell for table in self._reports.tables() for cell in self._reports.cells(table)))

    def seen(self, table: str) -> dict[str, int]:
        """What a partial table is made from: evaluated cells and the logs of the others, with modification times."""
        finished = self._finished(table)
        others = [cell for cell in self._reports.cells(table) if cell.folder not in finished]
        paths = {path for cell in others for path in (self._logs / cell.folder).glob("*.log")}
        paths |= {self._logs / cell.pretraining / "pretrain.log" for cell in others}
        return finished | {str(path): path.stat().st_mtime_ns for path in sorted(paths) if path.is_file()}

    def complete(self, table: str) -> bool:
        """False if an existing table has lost cells, because Snakemake ignores deleted inputs."""
        exists = (self._results / f"{table}.csv").is_file()
        return not exists or len(self._finished(table)) == len(self._reports.cells(table))

    def manifest(self, configfiles: list[str], configs: list[str]) -> str:
        """What the manifest lists: folders and reports of the results, and what the images were made from.

        Args:
            configfiles: the config files of the experiment, in order.
            configs: what `--config` added to them, such as `data=FOLDER`.
        """
        cells = self.cells()
        stored = [f"{cell.dataset}/episodes/seed{cell.seed}" for cell in cells]
        pretrained = [f"{cell.pretraining}/pretrain" for cell in cells if self._grid.methods[cell.method].pretrained]
        folders = dict.fromkeys([*stored, *pretrained, *(cell.folder for cell in cells)])
        reports = [target.removeprefix("<results>/").rpartition(".")[0] for target in self._reports.targets()]
        size = self._grid.config.image_size
        prepared = [f"{size}px/{name}" for name in ("images.npy", "samples.png", "summary.json")]
        sources = [
            f"resources/{dataset}/{name}"
            for dataset in dict.fromkeys(cell.dataset for cell in cells)
            for name in ("source.json", "split.csv", *prepared)
        ]
        given = {"configfiles": configfiles, "configs": configs}
        return as_json({**given, "folders": list(folders), "reports": reports, "sources": sources})

    def records(self) -> list[str]:
        """The records of all stages behind the reports."""
        cells = self.cells()
        methods = self._grid.methods
        trained = [cell for cell in cells if methods[cell.method].meta_trained]
        pretrained = dict.fromkeys(cell.pretraining for cell in cells if methods[cell.method].pretrained)
        return [
            *(f"<results>/{folder}/pretrain/summary.json" for folder in pretrained),
            *self._reports.files(trained, "training.json"),
            *self._reports.files(cells, "evaluation.json"),
        ]

    def _finished(self, table: str) -> dict[str, int]:
        """The evaluated cells of a table: modification times by folder."""
        paths = {cell.folder: self._results / cell.folder / "episodes.csv" for cell in self._reports.cells(table)}
        return {folder: path.stat().st_mtime_ns for folder, path in paths.items() if path.is_file()}
