"""The cells of an experiment and the settings of each."""

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from mtl.experiment.cell import Cell
from mtl.experiment.project import Content, extended
from mtl.experiment.variants import Variants
from mtl.specs.config import Config, JobSettings
from mtl.specs.datasets import DatasetEntry
from mtl.specs.methods import MethodRow


class Grid:
    """What is run, from the checked contents of the files under `config/`."""

    def __init__(
        self,
        content: Content,
        config: Config,
        methods: dict[str, MethodRow],
        datasets: dict[str, DatasetEntry],
        variants: Variants | None = None,
    ) -> None:
        """Takes the config twice: as typed values, and as it was written, because overrides name only some keys."""
        self.config = config
        self.variants = variants or {}
        self.methods = {**methods, **{name: variant.row for name, variant in self.variants.items()}}
        self.datasets = datasets
        self.overrides: list[Content] = content["overrides"]
        names = {field.name for field in dataclasses.fields(JobSettings)}
        self._shared = {name: value for name, value in dataclasses.asdict(config).items() if name in names}
        self.cells = list(dict.fromkeys(self._combinations()))

    def _combinations(self) -> Iterator[Cell]:
        """The cells of all grids, possibly with duplicates."""
        for entry in self.config.grids:
            datasets = entry.datasets or self.config.datasets
            backbones = entry.backbones or self.config.backbones
            seeds = entry.seeds or self.config.seeds
            methods = entry.methods or self.config.methods
            ways = entry.ways or self.config.ways
            shots = entry.shots or self.config.shots
            for dataset, backbone, seed in product(datasets, backbones, seeds):
                for method, way, shot in product(methods, ways, shots):
                    yield Cell(dataset, backbone, seed, method, way, shot)

    def selected(self, name: str) -> list[Any]:
        """The distinct values of `dataset`, `backbone`, `seed`, `method`, `way` or `shot` in the cells, in order."""
        return list(dict.fromkeys(getattr(cell, name) for cell in self.cells))

    def query(self, shot: int) -> int:
        """Query images per class in stored episodes."""
        query = self.config.episodes.query
        return shot if query == "shot" else query

    def queries_together(self, settings: Content, shot: int) -> int | None:
        """Query images per class that share the statistics of batch norm; None for all, and under running ones."""
        together = {"all": None, "shot": shot}.get(settings["queries_together"], settings["queries_together"])
        return None if settings["batch_norm"] == "running" or together == self.query(shot) else together

    def settings(self, **context: str | int) -> Content:
        """The settings of a job after all overrides that apply to `context` (dataset, backbone, method, way, shot)."""
        variant = self.variants.get(str(context.get("method")))
        if variant is not None:
            return variant.change(self.settings(**{**context, "method": variant.base}))
        settings = self._shared
        for override in self.overrides:
            if applies(override["when"], context):
                settings = extended(settings, {key: value for key, value in override.items() if key != "when"})
        if "method" in context and not self.methods[str(context["method"])].pretrained:
            # Running averages of random weights would be meaningless.
            settings = settings | {"batch_norm": "episode"}
        return settings

    def settings_of(self, cell: Cell) -> Content:
        """The settings of a cell."""
        return self.settings(**vars(cell))


def applies(when: Content, context: Mapping[str, Any]) -> bool:
    """Whether all conditions of an entry hold; one that is `null` holds always."""
    return all(value is None or context.get(key) in as_list(value) for key, value in when.items())


def as_list(value: Any) -> list[Any]:
    """A value that may be one or several, as a list."""
    return value if isinstance(value, list) else [value]
