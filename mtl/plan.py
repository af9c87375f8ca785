"""What an experiment consists of: cells, settings, tables. The rules ask it; it knows nothing of Snakemake."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

from mtl.cell import Cell

Config = dict[str, Any]
SECTIONS = ("pretrain", "meta_train", "hard_tasks", "base_learner")


class Plan:
    """Everything an experiment consists of."""

    def __init__(self, config: Config, methods: Config, datasets: Config, tables: Config) -> None:
        """Takes the checked contents of the four files under `config/`; `mtl.load` checks them."""
        self.config, self.methods, self.datasets, self.tables = config, methods, datasets, tables
        self._cells = list(dict.fromkeys(_combinations(config)))

    def cells(self) -> list[Cell]:
        """All cells of the experiment, each once."""
        return self._cells

    def selected(self, name: str) -> list[Any]:
        """What the cells have as `dataset`, `backbone`, `method` or `shot`, in order."""
        return list(dict.fromkeys(getattr(cell, name) for cell in self.cells()))

    def curves(self) -> list[str]:
        """The methods of figure 4 that the experiment selects."""
        return [method for method in self.tables["figure4"]["methods"] if method in self.selected("method")]

    def at_paper_scale(self, cell: Cell) -> bool:
        """Whether a cell has the image size, width and schedule of the paper, so that its number can be judged."""
        context = {name: getattr(cell, name) for name in ("dataset", "backbone", "method", "shot")}
        settings = {**self.config, **self.settings(**context)}
        # Of a method without meta-training, only Θ has a schedule.
        ignored = {"when"} if self.meta_trained(cell.method) else {"when", "meta_train"}
        return all(
            _contains(settings, {key: value for key, value in entry.items() if key not in ignored})
            for entry in self.tables["paper_scale"]
            if _applies(entry, context)
        )

    def meta_trained(self, method: str) -> bool:
        """Whether a method has a meta-training stage."""
        return bool(self.methods[method]["meta_batch"] != "none")

    def pretrained(self, method: str) -> bool:
        """Whether a method starts from a pre-trained Θ."""
        return bool(self.methods[method]["pretrained"])

    def batch_norm(self, method: str) -> str:
        """The batch-norm statistics of a method; nothing was averaged in random weights."""
        return str(self.config["batch_norm"]) if self.pretrained(method) else "episode"

    def query(self, shot: int) -> int:
        """Query images per class in stored episodes."""
        query = self.config["episodes"]["query"]
        return shot if query == "shot" else int(query)

    def settings(self, **context: str | int) -> Config:
        """The settings of a job after all overrides that apply to `context` (dataset, backbone, method, shot)."""
        settings = {key: self.config[key] for key in ("width", *SECTIONS)}
        for override in self.config["overrides"]:
            if _applies(override, context):
                for key in override.keys() - {"when"}:
                    value = override[key]
                    settings[key] = {**settings[key], **value} if isinstance(value, dict) else value
        return settings

    def job(self, stage: str) -> Config:
        """Threads, memory (MB), minutes and gpus of a kind of job."""
        return dict(self.config["jobs"][stage])


def _combinations(config: Config) -> Iterator[Cell]:
    """The cells of all grids; one may come twice."""
    for grid in config["grids"]:
        chosen = {**config, **grid}
        for dataset, backbone, seed in product(chosen["datasets"], chosen["backbones"], config["seeds"]):
            for method, shot in product(chosen["methods"], chosen["shots"]):
                yield Cell(dataset, backbone, seed, method, config["way"], shot)


def _applies(entry: Config, context: dict[str, Any]) -> bool:
    """Whether all of an entry's `when` holds."""
    return all(context.get(key) in listed(value) for key, value in entry["when"].items())


def listed(value: Any) -> list[Any]:
    """A value that may be one or several, as a list."""
    return value if isinstance(value, list) else [value]


def _contains(settings: Config, entry: Config) -> bool:
    """Whether settings have all the values of an entry."""
    return all(
        _contains(settings[key], value) if isinstance(value, dict) else settings[key] == value
        for key, value in entry.items()
    )


def as_json(content: Any) -> str:
    """JSON on one line, letters as they are."""
    return json.dumps(content, ensure_ascii=False)
