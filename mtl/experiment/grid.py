"""The cells of an experiment and the settings of each."""

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from mtl.experiment.cell import Cell
from mtl.experiment.project import Content
from mtl.specs.config import CellSettings, Config
from mtl.specs.datasets import DatasetEntry
from mtl.specs.methods import MethodRow
from mtl.specs.tables_and_figures import Tables


class Grid:
    """What is run, from the checked contents of the files under `config/`."""

    def __init__(
        self,
        content: Content,
        config: Config,
        methods: dict[str, MethodRow],
        datasets: dict[str, DatasetEntry],
        tables: Tables,
    ) -> None:
        """Takes the config as typed values, and as it was written, because overrides are merged into the latter."""
        self.content = content
        self.config = config
        self.methods = methods
        self.datasets = datasets
        self.tables = tables
        self.cells = list(dict.fromkeys(self._combinations()))

    def _combinations(self) -> Iterator[Cell]:
        """The cells of all grids, possibly with duplicates."""
        for entry in self.config.grids:
            datasets = entry.datasets or self.config.datasets
            backbones = entry.backbones or self.config.backbones
            methods = entry.methods or self.config.methods
            shots = entry.shots or self.config.shots
            for dataset, backbone, seed in product(datasets, backbones, self.config.seeds):
                for method, shot in product(methods, shots):
                    yield Cell(dataset, backbone, seed, method, self.config.way, shot)

    def selected(self, name: str) -> list[Any]:
        """The distinct values of `dataset`, `backbone`, `method` or `shot` in the cells, in order."""
        return list(dict.fromkeys(getattr(cell, name) for cell in self.cells))

    def batch_norm(self, method: str) -> str:
        """The batch-norm statistics of a method; running averages of random weights would be meaningless."""
        return self.config.batch_norm if self.methods[method].pretrained else "episode"

    def query(self, shot: int) -> int:
        """Query images per class in stored episodes."""
        query = self.config.episodes.query
        return shot if query == "shot" else query

    def settings(self, **context: str | int) -> Content:
        """The settings of a job after all overrides that apply to `context` (dataset, backbone, method, shot)."""
        settings = {field.name: self.content[field.name] for field in dataclasses.fields(CellSettings)}
        for override in self.content["overrides"]:
            if applies(override, context):
                for key in override.keys() - {"when"}:
                    value = override[key]
                    settings[key] = {**settings[key], **value} if isinstance(value, dict) else value
        return settings

    def settings_of(self, cell: Cell) -> Content:
        """The settings of a cell."""
        return self.settings(dataset=cell.dataset, backbone=cell.backbone, method=cell.method, shot=cell.shot)

    def at_paper_scale(self, cell: Cell) -> bool:
        """Whether a cell has the image size, width and schedule of the paper, so that its number can be judged."""
        settings = {**self.content, **self.settings_of(cell)}
        # In a method without meta-training, only Θ has a schedule.
        ignored = {"when"} if self.methods[cell.method].meta_trained else {"when", "meta_train"}
        return all(
            _contains(settings, {key: value for key, value in entry.items() if key not in ignored})
            for entry in self.tables.paper_scale
            if applies(entry, vars(cell))
        )


def applies(entry: Content, context: Mapping[str, Any]) -> bool:
    """Whether all conditions in an entry's `when` hold."""
    return all(context.get(key) in listed(value) for key, value in entry["when"].items())


def listed(value: Any) -> list[Any]:
    """One value or several, as a list."""
    return value if isinstance(value, list) else [value]


def _contains(settings: Content, entry: Content) -> bool:
    """Whether settings have all the values of an entry."""
    return all(
        _contains(settings[key], value) if isinstance(value, dict) else settings[key] == value
        for key, value in entry.items()
    )
