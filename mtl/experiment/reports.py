"""What each table, figure and page shows: titles, rows, columns and cells, as JSON for `mtl <report>`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid
from mtl.experiment.jobs import as_json, module_of
from mtl.runtime.extensions import extensions
from mtl.runtime.fingerprint import fingerprint
from mtl.specs.claims import Claim


class Figure(NamedTuple):
    """Of which cells a figure is made, from which of their files, and the file under `config/published/` beside it."""

    cells: list[Cell]
    files: list[str]
    published: str


class Reports:
    """Answers the rules of reports. What a report shows is a parameter, so a change rebuilds that report alone."""

    def __init__(self, grid: Grid, claims: list[Claim]) -> None:
        self._grid = grid
        self._claims = claims
        self._tables = grid.tables.tables
        self._results = Path(grid.config.pathvars.results)
        self._logs = Path(grid.config.pathvars.logs)

    def tables(self) -> list[str]:
        """The names of the tables that the experiment has cells for."""
        return [table for table in self._tables if self.cells(table)]

    def targets(self) -> list[str]:
        """Everything that the experiment can show: tables, claims and figures."""
        figures = [f"<results>/figures/{name}.png" for name, figure in self.figures().items() if figure.cells]
        return [*(f"<results>/{table}.csv" for table in self.tables()), "<results>/claims.csv", *figures]

    def cells(self, table: str) -> list[Cell]:
        """The cells of a table."""
        others = self._tables[table].others
        return [
            cell
            for cell in self._grid.cells
            if cell.dataset in self._datasets(table)
            if cell.method in self._methods(table) or (others and not self._elsewhere(table, cell))
        ]

    def files(self, cells: list[Cell], *names: str) -> list[str]:
        """Files of cells, as Snakemake takes them."""
        return [f"<results>/{cell.folder}/{name}" for cell in cells for name in names]

    def seen(self, table: str) -> dict[str, int]:
        """What a partial table is made from: the cells that were evaluated and the logs of the others, and when."""
        finished = self._finished(table)
        others = [cell for cell in self.cells(table) if cell.folder not in finished]
        paths = {path for cell in others for path in (self._logs / cell.folder).glob("*.log")}
        paths |= {self._logs / cell.pretraining / "pretrain.log" for cell in others}
        return finished | {str(path): path.stat().st_mtime_ns for path in sorted(paths) if path.is_file()}

    def complete(self, table: str) -> bool:
        """False if an existing table has lost cells; Snakemake ignores deleted inputs."""
        exists = (self._results / f"{table}.csv").is_file()
        return not exists or len(self._finished(table)) == len(self.cells(table))

    def table(self, table: str) -> str:
        """Title, rows, columns and cells of a table."""
        grid = self._grid
        cells = self.cells(table)
        groups = {method: group.name for group in self._tables[table].groups for method in group.methods}
        order = {method: index for index, method in enumerate(groups)}
        rows = sorted({(order.get(cell.method, len(order)), cell.method, cell.backbone) for cell in cells})
        datasets = grid.selected("dataset")
        columns = sorted({(datasets.index(cell.dataset), cell.shot) for cell in cells})
        return as_json(
            {
                "table": table,
                "title": self._tables[table].title,
                **self._common(),
                "protocol": grid.config.protocol,
                "way": grid.config.way,
                "columns": [(datasets[index], shot) for index, shot in columns],
                "rows": [
                    {
                        "group": groups.get(method, "other methods"),
                        "row": grid.methods[method].label,
                        "method": method,
                        "backbone": backbone,
                        "extractor": self._extractor(method, backbone),
                    }
                    for _, method, backbone in rows
                ],
                "cells": {
                    cell.folder: {
                        "batch_norm": grid.batch_norm(cell.method),
                        "paper_scale": grid.at_paper_scale(cell),
                    }
                    for cell in cells
                },
            }
        )

    def claims(self) -> str:
        """The claims, and the cells that decide them."""
        cells = {cell.folder: self._grid.at_paper_scale(cell) for cell in self.claimed_cells()}
        labels = {name: method.label for name, method in self._grid.methods.items()}
        claims = [asdict(claim) for claim in self._claims]
        title = "Claims of the paper"
        return as_json({"title": title, **self._common(), "claims": claims, "labels": labels, "cells": cells})

    def claimed_cells(self, test: str | None = None) -> list[Cell]:
        """The cells of all pairs of a kind of test, or of all, of which the experiment has both methods."""
        selected = self._grid.selected("method")
        pairs = [pair for claim in self._claims if test in (None, claim.test) for pair in claim.pairs]
        methods = {method for pair in pairs if set(pair) <= set(selected) for method in pair}
        return [cell for cell in self._grid.cells if cell.method in methods]

    def figures(self) -> dict[str, Figure]:
        """The cells of each figure, the files it needs of them, and what it is compared with."""
        found = {}
        for name, entry in self._grid.tables.figures.items():
            facts = extensions("reporting.figures")[module_of(name)]
            cells = [
                cell
                for cell in self._grid.cells
                if entry.methods is None or cell.method in entry.methods
                if entry.datasets is None or cell.dataset in entry.datasets
            ]
            found[name] = Figure(cells, list(facts["FILES"]), facts["PUBLISHED"])
        return found

    def figure(self, name: str) -> str:
        """Title and cells of a figure, and the labels of its methods in their order if it shows any."""
        entry = self._grid.tables.figures[name]
        cells = self.figures()[name].cells
        plan = {"title": entry.title, **self._common(), "cells": [cell.folder for cell in cells]}
        if not extensions("reporting.figures")[module_of(name)]["LABELS"]:
            return as_json(plan)
        shown = {cell.method for cell in cells}
        order = entry.methods or list(
            dict.fromkeys(method for table in self._tables for method in self._methods(table))
        )
        order += sorted(shown - set(order))
        labels = {method: self._grid.methods[method].label for method in order if method in shown}
        return as_json({**plan, "methods": labels})

    def code(self, report: str) -> str:
        """A digest of the code of a report: `table`, `claims`, `manifest`, or the name of a figure."""
        entries = {
            "table": "reporting.tables:write_table",
            "claims": "reporting.claims_page:write_claims",
            "manifest": "reporting.manifest:write_manifest",
        }
        return fingerprint(entries.get(report) or f"reporting.figures.{module_of(report)}:write")

    def manifest(self, configfiles: list[str], configs: list[str]) -> str:
        """What the manifest lists: folders and reports of the results, and what the images were made from.

        Args:
            configfiles: those the experiment was made of, in their order.
            configs: what `--config` said beside them, such as `data=FOLDER`.
        """
        cells = self._shown()
        stored = [f"{cell.dataset}/episodes/seed{cell.seed}" for cell in cells]
        pretrained = [f"{cell.pretraining}/pretrain" for cell in cells if self._grid.methods[cell.method].pretrained]
        folders = dict.fromkeys([*stored, *pretrained, *(cell.folder for cell in cells)])
        reports = [target.removeprefix("<results>/").rpartition(".")[0] for target in self.targets()]
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
        cells = self._shown()
        methods = self._grid.methods
        trained = [cell for cell in cells if methods[cell.method].meta_trained]
        pretrained = dict.fromkeys(cell.pretraining for cell in cells if methods[cell.method].pretrained)
        return [
            *(f"<results>/{folder}/pretrain/summary.json" for folder in pretrained),
            *self.files(trained, "training.json"),
            *self.files(cells, "evaluation.json"),
        ]

    def _finished(self, table: str) -> dict[str, int]:
        """The cells of a table that were evaluated, by folder, and when."""
        paths = {cell.folder: self._results / cell.folder / "episodes.csv" for cell in self.cells(table)}
        return {folder: path.stat().st_mtime_ns for folder, path in paths.items() if path.is_file()}

    def _shown(self) -> list[Cell]:
        """The cells of all tables, each once."""
        return list(dict.fromkeys(cell for table in self._tables for cell in self.cells(table)))

    def _common(self) -> dict[str, Any]:
        datasets = {name: self._grid.datasets[name] for name in self._grid.selected("dataset")}
        titles = {name: {"title": entry.title, "note": entry.note} for name, entry in datasets.items()}
        return {"note": self._grid.config.note, "datasets": titles}

    def _extractor(self, method: str, backbone: str) -> str:
        label: str = extensions("networks")[backbone]["LABEL"]
        return f"{label} (pre)" if self._grid.methods[method].pretrained else label

    def _methods(self, table: str) -> list[str]:
        return [method for group in self._tables[table].groups for method in group.methods]

    def _datasets(self, table: str) -> list[str]:
        datasets = self._tables[table].datasets
        return list(self._grid.datasets) if datasets is None else datasets

    def _elsewhere(self, table: str, cell: Cell) -> bool:
        """Whether another table shows a cell."""
        return any(
            cell.dataset in self._datasets(other) and cell.method in self._methods(other)
            for other in self._tables
            if other != table
        )
