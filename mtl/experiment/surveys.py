"""What each survey shows: methods on one footing, as JSON for `mtl survey`."""

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid
from mtl.experiment.reports import Reports
from mtl.runtime.extensions import extensions
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
        """The names of all surveys."""
        return list(self._surveys)

    def cells(self, name: str) -> list[Cell]:
        """All cells of the experiment, in the order of the survey's rows; methods that it does not name come last."""
        order = list(self._groups(name))
        return sorted(
            self._grid.cells, key=lambda cell: order.index(cell.method) if cell.method in order else len(order)
        )

    def files(self, name: str) -> list[str]:
        """What a survey is made from."""
        cells = self.cells(name)
        trained = [cell for cell in cells if self._grid.methods[cell.method].meta_trained]
        return self._reports.files(cells, "episodes.csv", "evaluation.json") + self._reports.files(
            trained, "training.json"
        )

    def plan(self, name: str) -> str:
        """Title, rows and cells of a survey, and the methods that all others are compared with."""
        survey, groups = self._surveys[name], self._groups(name)
        cells = self.cells(name)
        rows = dict.fromkeys((cell.backbone, cell.method) for cell in cells)
        return as_json(
            {
                "table": name,
                **self._reports.plan(survey.title, cells),
                "against": {method: self._grid.methods[method].label for method in survey.against},
                "rows": [
                    {
                        "group": groups.get(method, "other methods"),
                        "row": self._grid.methods[method].label,
                        "method": method,
                        "backbone": backbone,
                        "trained": self._grid.methods[method].meta_trained,
                    }
                    for backbone, method in rows
                ],
                "cells": {cell.folder: self._statistics(cell) for cell in cells},
            }
        )

    def code(self) -> str:
        """A digest of the code of a survey."""
        return fingerprint("reporting.survey_table:write_survey")

    def _groups(self, name: str) -> dict[str, str]:
        """The group of each method that a survey names, in the order of its rows."""
        return {method: group.name for group in self._surveys[name].groups for method in group.methods}

    def _statistics(self, cell: Cell) -> str:
        """Whose statistics batch norm takes."""
        if self._grid.settings_of(cell)["batch_norm"] == "running":
            return "running"
        joint = extensions("learners")[self._grid.methods[cell.method].learner]["JOINT"]
        return "support and query together" if joint else "support and query apart"
