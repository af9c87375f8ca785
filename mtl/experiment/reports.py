"""What each table, figure and page shows: titles, rows, columns and cells, as JSON for `mtl <report>`."""

import json
from dataclasses import asdict
from functools import cache
from typing import Any

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid
from mtl.experiment.jobs import Jobs
from mtl.experiment.paper_protocol import PaperProtocol, in_full, other
from mtl.runtime.extensions import extensions, module_of
from mtl.runtime.fingerprint import fingerprint
from mtl.specs.claims import Claim
from mtl.specs.reading import as_json
from mtl.specs.tables_and_figures import FigureEntry, Tables


class Reports:
    """Answers the rules of reports. What a report shows is a parameter, so a change rebuilds that report alone."""

    def __init__(self, grid: Grid, jobs: Jobs, tables: Tables, paper: PaperProtocol, claims: list[Claim]) -> None:
        self._grid = grid
        self._paper = paper
        # Several reports show the same cell.
        self._asked_of = cache(jobs.asked)
        self._jobs = jobs
        self._tables = tables.tables
        self._figures = tables.figures
        self._claims = claims

    def tables(self) -> list[str]:
        """The names of the tables that the experiment has cells for."""
        return [table for table in self._tables if self.cells(table)]

    def targets(self) -> list[str]:
        """Everything that the experiment can show: tables, claims and figures."""
        figures = [f"<results>/figures/{name}.png" for name in self.figures()]
        return [*(f"<results>/{table}.csv" for table in self.built_tables()), "<results>/claims.csv", *figures]

    def built_tables(self) -> list[str]:
        """The tables that plain `snakemake` builds."""
        return [table for table in self.tables() if not self._tables[table].on_request]

    def title(self, name: str) -> str:
        """The heading of a table or figure."""
        entry = self._tables[name] if name in self._tables else self._figures[name]
        return entry.title

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

    def table(self, table: str) -> str:
        """Title, rows, columns and cells of a table."""
        grid = self._grid
        cells = self.cells(table)
        groups = {method: group.name for group in self._tables[table].groups for method in group.methods}
        order = {method: index for index, method in enumerate(groups)}
        rows = sorted({(order.get(cell.method, len(order)), cell.method, cell.backbone) for cell in cells})
        datasets = grid.selected("dataset")
        columns = sorted({(datasets.index(cell.dataset), cell.way, cell.shot) for cell in cells})
        made = {cell: as_json(self._made(cell)) for cell in cells}
        # Cells that were made alike share an entry, because a command line cannot be long.
        distinct = list(dict.fromkeys(made.values()))
        return as_json(
            {
                "table": table,
                "title": self._tables[table].title,
                **self._common(),
                "columns": [(datasets[index], way, shot) for index, way, shot in columns],
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
                "cells": {cell.folder: distinct.index(made[cell]) for cell in cells},
                "made": list(map(json.loads, distinct)),
                **self._asked(cells),
            }
        )

    def claims(self) -> str:
        """The claims, and the cells that decide them, each with whether it was made as the paper's numbers were."""
        cells = {cell.folder: not self._paper.differences(cell) for cell in self.claimed_cells()}
        claimed = dict.fromkeys(method for claim in self._claims for pair in claim.pairs for method in pair)
        labels = {name: self._grid.methods[name].label for name in claimed}
        claims = [asdict(claim) for claim in self._claims]
        title = "Claims of the paper"
        methods = [name for name in claimed if name in self._grid.selected("method")]
        plan = {"title": title, **self._common(), "claims": claims, "labels": labels, "methods": methods}
        return as_json({**plan, "cells": cells, **self._asked(self.claimed_cells())})

    def claimed_cells(self, test: str | None = None) -> list[Cell]:
        """The cells of pairs whose methods are both in the experiment, for one kind of test or for all."""
        selected = self._grid.selected("method")
        pairs = [pair for claim in self._claims if test in (None, claim.test) for pair in claim.pairs]
        methods = {method for pair in pairs if set(pair) <= set(selected) for method in pair}
        return [cell for cell in self._grid.cells if cell.method in methods]

    def figures(self) -> list[str]:
        """The names of the figures that the experiment has cells for."""
        return [name for name in self._figures if self.figure_cells(name)]

    def figure_cells(self, name: str) -> list[Cell]:
        """The cells of a figure."""
        return shown_in(self._figures[name], self._grid)

    def figure_files(self, name: str) -> list[str]:
        """What a figure is made from."""
        return self.files(self.figure_cells(name), *_facts(name)["FILES"])

    def published(self, name: str) -> str:
        """The printed numbers that a figure shows beside the measured ones."""
        return f"config/published/{_facts(name)['PUBLISHED']}.csv"

    def figure(self, name: str) -> str:
        """Title and cells of a figure, and the labels of its methods in their order if it shows any."""
        entry = self._figures[name]
        cells = self.figure_cells(name)
        plan = {"title": entry.title, **self._common(), "cells": [cell.folder for cell in cells], **self._asked(cells)}
        if not _facts(name)["LABELS"]:
            return as_json(plan)
        shown = {cell.method for cell in cells}
        order = entry.methods or list(
            dict.fromkeys(method for table in self._tables for method in self._methods(table))
        )
        order = [*order, *sorted(shown - set(order))]
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

    def plan(self, title: str, cells: list[Cell]) -> dict[str, Any]:
        """What the plan of every report holds: its title, remarks, and what the config asks of its cells."""
        return {"title": title, **self._common(), **self._asked(cells)}

    def _made(self, cell: Cell) -> dict[str, Any]:
        """How a cell is made, and where that differs from how the paper's number was."""
        differences = self._paper.differences(cell)
        return {
            "batch_norm": self._grid.settings_of(cell)["batch_norm"],
            "shown": self._paper.shown(cell),
            "other": other(differences),
            "differences": in_full(differences),
        }

    def _asked(self, cells: list[Cell]) -> dict[str, Any]:
        datasets = dict.fromkeys(cell.dataset for cell in cells)
        return {
            "asked": {cell.folder: self._asked_of(cell) for cell in cells},
            "images": [asdict(self._jobs.asked_images(dataset)) for dataset in datasets],
        }

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


def _facts(figure: str) -> dict[str, Any]:
    """The constants of the module that draws a figure."""
    return extensions("reporting.figures")[module_of(figure)]


def shown_in(figure: FigureEntry, grid: Grid) -> list[Cell]:
    """The cells of a figure."""
    return [
        cell
        for cell in grid.cells
        if figure.methods is None or cell.method in figure.methods
        if figure.datasets is None or cell.dataset in figure.datasets
    ]


def with_curves(tables: Tables, grid: Grid) -> set[str]:
    """The methods whose accuracy is measured in the course of meta-training, because a figure shows it."""
    shown = [entry for name, entry in tables.figures.items() if "curve.csv" in _facts(name)["FILES"]]
    return {cell.method for entry in shown for cell in shown_in(entry, grid)}
