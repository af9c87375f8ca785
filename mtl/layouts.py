"""What each table and figure shows: titles, rows, columns and cells, as JSON for `mtl <report>`."""

from collections.abc import Iterator
from typing import Any

from mtl.cell import Cell
from mtl.plan import Config, Plan, as_json

EXTRACTORS = {"conv4": "4CONV", "resnet12": "ResNet-12"}


class Layouts:
    """Answers the rules of reports; a value that changes in one of them rebuilds that report and nothing else."""

    def __init__(self, plan: Plan, claims: list[Config]) -> None:
        """Takes the plan and the checked claims of `config/claims.yaml`."""
        self.plan, self._tables, self._claims = plan, plan.tables, claims

    def known_tables(self) -> list[str]:
        """The names of all tables."""
        return list(self._tables["tables"])

    def targets(self) -> list[str]:
        """Everything that the experiment can show: tables that it has cells for, claims and figures."""
        tables = [f"<results>/{table}.csv" for table in self.known_tables() if any(self.cells(table))]
        drawn = {"figure4": self.curve_cells, "published": self.printed_cells, "scale-shift": self.scale_shift_cells}
        figures = [f"<results>/figures/{name}.png" for name, cells in drawn.items() if cells()]
        return [*tables, "<results>/claims.csv", *figures]

    def cells(self, table: str) -> Iterator[Cell]:
        """The cells of a table."""
        methods = self._methods(table)
        for cell in self.plan.cells():
            if cell.dataset in self._datasets(table) and (
                cell.method in methods or (table == "table1" and not self._elsewhere(cell))
            ):
                yield cell

    def table(self, table: str) -> str:
        """Title, rows, columns and cells of a table."""
        cells = list(self.cells(table))
        groups = {m: group["name"] for group in self._tables["tables"][table]["groups"] for m in group["methods"]}
        order = {method: index for index, method in enumerate(groups)}
        rows = sorted({(order.get(c.method, len(order)), c.method, c.backbone) for c in cells})
        datasets = self.plan.selected("dataset")
        columns = sorted({(datasets.index(cell.dataset), cell.shot) for cell in cells})
        return as_json(
            {
                "table": table,
                "title": self._tables["tables"][table]["title"],
                **self._common(),
                "protocol": self.plan.config["protocol"],
                "way": self.plan.config["way"],
                "columns": [(datasets[index], shot) for index, shot in columns],
                "rows": [
                    {
                        "group": groups.get(method, "other methods"),
                        "row": self.plan.methods[method]["label"],
                        "method": method,
                        "backbone": backbone,
                        "extractor": EXTRACTORS[backbone] + (" (pre)" if self.plan.pretrained(method) else ""),
                    }
                    for _, method, backbone in rows
                ],
                "cells": {
                    cell.folder: {
                        "batch_norm": self.plan.batch_norm(cell.method),
                        "paper_scale": self.plan.at_paper_scale(cell),
                    }
                    for cell in cells
                },
            }
        )

    def claims(self) -> str:
        """The claims, and the cells that decide them."""
        cells = [cell.folder for cell in self.claimed_cells()]
        labels = {name: method["label"] for name, method in self.plan.methods.items()}
        title = "Claims of the paper"
        return as_json({"title": title, **self._common(), "claims": self._claims, "labels": labels, "cells": cells})

    def claimed_cells(self, *tests: str) -> list[Cell]:
        """The cells of all pairs of some kinds of test, or of all kinds, of which the experiment has both methods."""
        selected = self.plan.selected("method")
        pairs = [pair for claim in self._claims if not tests or claim["test"] in tests for pair in claim["pairs"]]
        methods = {method for pair in pairs if set(pair) <= set(selected) for method in pair}
        return [cell for cell in self.plan.cells() if cell.method in methods]

    def curve_cells(self) -> list[Cell]:
        """The cells of figure 4."""
        return [cell for cell in self.plan.cells() if cell.method in self.plan.curves()]

    def figure4(self) -> str:
        """Title and curves of figure 4."""
        labels = {method: self.plan.methods[method]["label"] for method in self.plan.curves()}
        return as_json({"title": self._tables["figure4"]["title"], **self._common(), "methods": labels})

    def printed_cells(self) -> list[Cell]:
        """The cells of datasets that the paper has numbers for."""
        named = {dataset for table in self._tables["tables"].values() for dataset in table.get("datasets", [])}
        return [cell for cell in self.plan.cells() if cell.dataset in named]

    def published(self) -> str:
        """Title and labels of the figure that compares measured with published numbers."""
        labels = {method: self.plan.methods[method]["label"] for method in self.plan.selected("method")}
        return as_json({"title": self._tables["published"]["title"], **self._common(), "methods": labels})

    def scale_shift_cells(self) -> list[Cell]:
        """The cells whose learned scales and shifts are drawn."""
        return [cell for cell in self.plan.cells() if cell.method == self._tables["scale-shift"]["method"]]

    def scale_shift(self) -> str:
        """Title of the figure of learned scales and shifts."""
        return as_json({"title": self._tables["scale-shift"]["title"], **self._common()})

    def _common(self) -> dict[str, Any]:
        datasets = {
            name: {key: self.plan.datasets[name][key] for key in ("title", "note")}
            for name in self.plan.selected("dataset")
        }
        return {"note": self.plan.config["note"], "datasets": datasets}

    def _methods(self, table: str) -> list[str]:
        return [method for group in self._tables["tables"][table]["groups"] for method in group["methods"]]

    def _datasets(self, table: str) -> list[str]:
        return list(self._tables["tables"][table].get("datasets", self.plan.datasets))

    def _elsewhere(self, cell: Cell) -> bool:
        """Whether another table than the first shows a cell."""
        return any(
            cell.dataset in self._datasets(table) and cell.method in self._methods(table)
            for table in self._tables["tables"]
            if table != "table1"
        )
