"""What each survey shows: methods on one footing, as JSON for `mtl survey`."""

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid
from mtl.experiment.reports import Reports
from mtl.runtime.fingerprint import fingerprint
from mtl.specs.reading import as_json
from mtl.specs.tables_and_figures import Tables


class Surveys:
    """Answers the rule of surveys."""

    def __init__(self, grid: Grid, reports: Reports, tables: Tables) -> None:
        self._grid = grid
        self._reports = reports
        self._surveys = tables.surveys

    def names(self) -> list[str]:
        """The surveys that the experiment has cells for."""
        return [name for name in self._surveys if self.cells(name)]

    def cells(self, name: str) -> list[Cell]:
        """The cells of a survey, in the order of its rows."""
        order = self._order(name)
        found = [cell for cell in self._grid.cells if cell.method in order]
        return sorted(found, key=lambda cell: order.index(cell.method))

    def files(self, name: str) -> list[str]:
        """What a survey is made from."""
        cells = self.cells(name)
        trained = [cell for cell in cells if self._grid.methods[cell.method].meta_trained]
        return self._reports.files(cells, "episodes.csv", "evaluation.json") + self._reports.files(
            trained, "training.json"
        )

    def plan(self, name: str) -> str:
        """Title, rows and cells of a survey, and the methods that all others are compared with."""
        survey = self._surveys[name]
        groups = {method: group.name for group in survey.groups for method in group.methods}
        cells = self.cells(name)
        rows = dict.fromkeys((cell.backbone, cell.method) for cell in cells)
        return as_json(
            {
                "table": name,
                **self._reports.plan(survey.title, cells),
                "against": {method: self._grid.methods[method].label for method in survey.against},
                "rows": [
                    {
                        "group": groups[method],
                        "row": self._grid.methods[method].label,
                        "method": method,
                        "backbone": backbone,
                        "trained": self._grid.methods[method].meta_trained,
                        "pretrained": self._grid.methods[method].pretrained,
                    }
                    for backbone, method in rows
                ],
                "cells": {cell.folder: self._grid.settings_of(cell)["batch_norm"] for cell in cells},
            }
        )

    def code(self) -> str:
        """A digest of the code of a survey."""
        return fingerprint("reporting.survey_table:write_survey")

    def _order(self, name: str) -> list[str]:
        return [method for group in self._surveys[name].groups for method in group.methods]
