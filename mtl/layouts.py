"""What each table and figure shows: titles, rows, columns and cells, as JSON for `mtl <report>`."""

from pathlib import Path
from typing import Any, NamedTuple

from mtl.cell import Cell
from mtl.plan import Config, Plan, as_json

EXTRACTORS = {"conv4": "4CONV", "resnet12": "ResNet-12"}


class Figure(NamedTuple):
    """Of which cells a figure is made, from which of their files, and the file under `config/published/` beside it."""

    cells: list[Cell]
    files: list[str]
    published: str


class Layouts:
    """Answers the rules of reports; a value that changes in one of them rebuilds that report and nothing else."""

    def __init__(self, plan: Plan, claims: list[Config]) -> None:
        """Takes the plan and the checked claims of `config/claims.yaml`."""
        self.plan, self._tables, self._claims = plan, plan.tables, claims
        self._results = Path(plan.config["pathvars"]["results"])

    def known_tables(self) -> list[str]:
        """The names of all tables."""
        return list(self._tables["tables"])

    def targets(self) -> list[str]:
        """Everything that the experiment can show: tables and figures that it has cells for, and claims."""
        tables = [f"<results>/{table}.csv" for table in self.known_tables() if self.cells(table)]
        figures = [f"<results>/figures/{name}.png" for name, figure in self.figures().items() if figure.cells]
        return [*tables, "<results>/claims.csv", *figures]

    def cells(self, table: str) -> list[Cell]:
        """The cells of a table."""
        entry = self._tables["tables"][table]
        others = entry.get("others", False)
        return [
            cell
            for cell in self.plan.cells()
            if cell.dataset in self._datasets(table)
            if cell.method in self._methods(table) or (others and not self._elsewhere(table, cell))
        ]

    def files(self, cells: list[Cell], *names: str) -> list[str]:
        """Files of cells, as Snakemake takes them."""
        return [f"<results>/{cell.folder}/{name}" for cell in cells for name in names]

    def finished(self, table: str) -> dict[str, int]:
        """The cells of a table that were evaluated, by folder, and when."""
        paths = {cell.folder: self._results / cell.folder / "episodes.csv" for cell in self.cells(table)}
        return {folder: path.stat().st_mtime_ns for folder, path in paths.items() if path.is_file()}

    def seen(self, table: str) -> dict[str, int]:
        """What a partial table is made from: the cells that were evaluated and the logs of the others, and when."""
        finished, logs = self.finished(table), Path(self.plan.config["pathvars"]["logs"])
        others = [cell for cell in self.cells(table) if cell.folder not in finished]
        paths = {path for cell in others for path in (logs / cell.folder).glob("*.log")}
        paths |= {logs / cell.pretraining / "pretrain.log" for cell in others}
        return finished | {str(path): path.stat().st_mtime_ns for path in sorted(paths) if path.is_file()}

    def complete(self, table: str) -> bool:
        """Whether a table that there is has all of its cells; Snakemake does not miss what is older than a table."""
        there = (self._results / f"{table}.csv").is_file()
        return not there or len(self.finished(table)) == len(self.cells(table))

    def table(self, table: str) -> str:
        """Title, rows, columns and cells of a table."""
        cells = self.cells(table)
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
        claims = [{"across_backbones": False, **claim} for claim in self._claims]
        cells = {cell.folder: self.plan.at_paper_scale(cell) for cell in self.claimed_cells()}
        labels = {name: method["label"] for name, method in self.plan.methods.items()}
        title = "Claims of the paper"
        return as_json({"title": title, **self._common(), "claims": claims, "labels": labels, "cells": cells})

    def claimed_cells(self, test: str | None = None) -> list[Cell]:
        """The cells of all pairs of a kind of test, or of all, of which the experiment has both methods."""
        selected = self.plan.selected("method")
        pairs = [pair for claim in self._claims if test in (None, claim["test"]) for pair in claim["pairs"]]
        methods = {method for pair in pairs if set(pair) <= set(selected) for method in pair}
        return [cell for cell in self.plan.cells() if cell.method in methods]

    def figures(self) -> dict[str, Figure]:
        """The cells of each figure, the files it needs of them, and what it is compared with."""
        named = {dataset for table in self._tables["tables"].values() for dataset in table.get("datasets", [])}
        curves, scaled = self.plan.curves(), self._tables["scale-shift"]["method"]
        cells = self.plan.cells()
        return {
            "figure4": Figure([c for c in cells if c.method in curves], ["curve.csv", "history.csv"], "figure4"),
            "forest": Figure([c for c in cells if c.dataset in named], ["episodes.csv"], "tables"),
            "scale-shift": Figure([c for c in cells if c.method == scaled], ["model.safetensors"], "scale-shift"),
        }

    def figure(self, name: str) -> str:
        """Title, labels and cells of a figure."""
        cells = self.figures()[name].cells
        methods = [method for method in self.plan.selected("method") if any(c.method == method for c in cells)]
        order = self._tables[name].get("methods", methods)
        labels = {method: self.plan.methods[method]["label"] for method in order if method in methods}
        folders = [cell.folder for cell in cells]
        layout = {"title": self._tables[name]["title"], **self._common(), "cells": folders}
        # Another label is no reason to draw what has none.
        return as_json(layout if name == "scale-shift" else layout | {"methods": labels})

    def manifest(self, configfiles: list[str], configs: list[str]) -> str:
        """What the manifest lists: folders and reports of the results, and what the images were made from.

        Args:
            configfiles: those the experiment was made of, in their order.
            configs: what `--config` said beside them, such as `data=FOLDER`.
        """
        cells = self._shown()
        stored = [f"{cell.dataset}/episodes/seed{cell.seed}" for cell in cells]
        pretrained = [f"{cell.pretraining}/pretrain" for cell in cells if self.plan.pretrained(cell.method)]
        folders = dict.fromkeys([*stored, *pretrained, *(cell.folder for cell in cells)])
        reports = [target.removeprefix("<results>/").rpartition(".")[0] for target in self.targets()]
        size = self.plan.config["image_size"]
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
        trained = [cell for cell in cells if self.plan.meta_trained(cell.method)]
        pretrained = dict.fromkeys(c.pretraining for c in cells if self.plan.pretrained(c.method))
        return [
            *(f"<results>/{folder}/pretrain/summary.json" for folder in pretrained),
            *self.files(trained, "training.json"),
            *self.files(cells, "evaluation.json"),
        ]

    def _shown(self) -> list[Cell]:
        """The cells of all tables, each once."""
        return list(dict.fromkeys(cell for table in self.known_tables() for cell in self.cells(table)))

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

    def _elsewhere(self, table: str, cell: Cell) -> bool:
        """Whether another table shows a cell."""
        return any(
            cell.dataset in self._datasets(other) and cell.method in self._methods(other)
            for other in self._tables["tables"]
            if other != table
        )
