"""What the page of an experiment shows, as JSON for `mtl page`, and what it is made from."""

import hashlib
import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid
from mtl.experiment.inventory import Inventory
from mtl.experiment.project import packaged, read_yaml
from mtl.experiment.reports import Reports
from mtl.experiment.surveys import Surveys
from mtl.runtime.extensions import extensions
from mtl.runtime.files import sha256
from mtl.runtime.fingerprint import fingerprint
from mtl.runtime.syntax import PACKAGE
from mtl.specs.config import Config
from mtl.specs.reading import as_json, defaults_of, flat

# Its templates, style and script, which the fingerprint of its code does not cover.
TEMPLATES = PACKAGE / "reporting" / "page" / "templates"
DEFAULT = "config/config.yaml"


class PagePlan:
    """Answers the rules of the page."""

    def __init__(
        self, grid: Grid, reports: Reports, surveys: Surveys, inventory: Inventory, with_curves: set[str]
    ) -> None:
        """Takes the methods whose accuracy is measured in the course of meta-training, because a figure shows it."""
        self._grid = grid
        self._reports = reports
        self._surveys = surveys
        self._inventory = inventory
        self._with_curves = with_curves

    def plan(self, configfiles: list[str], configs: list[str]) -> str:
        """Titles, cells, settings and counts of jobs.

        Args:
            configfiles: the config files of the experiment, in order.
            configs: what `--config` added to them, such as `data=FOLDER`.
        """
        grid, cells = self._grid, self._inventory.cells()
        claims = json.loads(self._reports.claims())
        differing = {cell: as_json(self._differing(cell)) for cell in cells}
        # Cells that differ alike share an entry, because a command line cannot be long.
        distinct = list(dict.fromkeys(differing.values()))
        return as_json(
            {
                **self._reports.plan("", cells),
                "options": [configfiles, configs],
                "tables": {name: self._reports.title(name) for name in self._reports.built_tables()},
                "figures": {name: self._reports.title(name) for name in self._reports.figures()},
                "optional": list(self._optional()),
                "labels": {name: grid.methods[name].label for name in grid.selected("method")} | claims["labels"],
                "backbones": {name: extensions("networks")[name]["LABEL"] for name in grid.selected("backbone")},
                "licences": {name: grid.datasets[name].licence for name in grid.selected("dataset")},
                "claims": {name: claims[name] for name in ("claims", "cells", "methods")},
                "settings": list(map(json.loads, distinct)),
                "settings_of": [distinct.index(differing[cell]) for cell in cells],
                "closer": [cell.folder for cell in self._closer(cells)],
                "stages": self._stages(cells),
            }
        )

    def code(self) -> str:
        """A digest of the code of the page and of its templates."""
        files = sorted(path for path in TEMPLATES.iterdir() if path.is_file())
        digests = [
            fingerprint("reporting.page.write_page:write_page"),
            *map(sha256, files),
        ]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]

    def optional(self) -> dict[str, str]:
        """The reports that somebody asked for besides, by name, with their digests, so that the page shows new ones."""
        results = Path(self._grid.config.pathvars.results)
        paths = {name: results / f"{name}.csv" for name in self._optional()}
        return {name: sha256(path) for name, path in paths.items() if path.is_file()}

    def seen(self) -> dict[str, int]:
        """What a partial page is made from: evaluated cells and the logs of the others, with modification times."""
        seen = (self._inventory.seen(table) for table in self._reports.built_tables())
        return {path: time for part in seen for path, time in part.items()}

    def _optional(self) -> list[str]:
        """The reports that plain `snakemake` does not build."""
        on_request = [table for table in self._reports.tables() if table not in self._reports.built_tables()]
        return [*on_request, *self._surveys.names(), "decisions", "rates"]

    def _closer(self, cells: list[Cell]) -> list[Cell]:
        """The cells whose predictions are shown: of each dataset the one that comes closest to the paper's method.

        That scales and shifts all blocks and trains on hard tasks. Its task has the fewest images.
        """

        def nearness(cell: Cell) -> tuple[object, ...]:
            method = self._grid.methods[cell.method]
            mechanisms = (method.modulate == "ss", method.scope == "all", method.meta_batch == "hard")
            return (*mechanisms, method.meta_trained, -cell.shot, -cell.way, -cell.seed)

        datasets = dict.fromkeys(cell.dataset for cell in cells)
        return [max((cell for cell in cells if cell.dataset == dataset), key=nearness) for dataset in datasets]

    @cached_property
    def _of_default(self) -> dict[str, Any]:
        """The settings of the default experiment, by dotted key."""
        return defaults_of(Config) | flat(read_yaml(packaged(DEFAULT)))

    def _differing(self, cell: Cell) -> dict[str, list[str]]:
        """The settings of a cell that are not those of the default experiment: both values, by dotted key."""
        shared = {"image_size": self._grid.config.image_size, "episodes": asdict(self._grid.config.episodes)}
        own = flat({**shared, **self._grid.settings_of(cell)})
        return {
            key: [_text(self._of_default.get(key)), _text(value)]
            for key, value in own.items()
            if key.partition(".")[0] not in self._unused(cell) and self._of_default.get(key) != value
            # What a scheduler is told changes no number.
            if not key.startswith("jobs.") or key.endswith(".threads")
        }

    def _unused(self, cell: Cell) -> set[str]:
        """The sections of the config that a cell does not depend on."""
        method = self._grid.methods[cell.method]
        used = {
            "pretrain": method.pretrained,
            "meta_train": method.meta_trained,
            "hard_tasks": method.has_hard_tasks,
            "base_learner": extensions("learners")[method.learner]["INNER_STEPS"],
        }
        return {section for section, is_used in used.items() if not is_used}

    def _stages(self, cells: list[Cell]) -> dict[str, int]:
        """How many jobs each stage has."""
        grid = self._grid
        datasets = dict.fromkeys(cell.dataset for cell in cells)
        fetched = [name for name in datasets if grid.datasets[name].kind != "glyphs"]
        tasks = {(cell.dataset, cell.seed, cell.way, cell.shot) for cell in cells}
        return {
            "fetch": len(fetched),
            "split": len(datasets),
            "prepare": len(datasets),
            "episodes": 2 * len(tasks),  # validation and test
            "pretrain": len({cell.pretraining for cell in cells if grid.methods[cell.method].pretrained}),
            "meta-train": sum(grid.methods[cell.method].meta_trained for cell in cells),
            "evaluate": len(cells),
            "curve": sum(cell.method in self._with_curves for cell in cells),
            "report": len(self._reports.targets()),
        }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
