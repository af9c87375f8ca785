"""What an experiment consists of: cells, settings, tables. The rules ask it; it knows nothing of Snakemake."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from mtl.cell import Cell
from mtl.runtime.errors import UserError
from mtl.schemas import validate
from mtl.schemas.checks import check_names, check_possible

Config = dict[str, Any]
SECTIONS = ("pretrain", "meta_train", "hard_tasks", "base_learner")


class Plan:
    """Everything an experiment consists of."""

    def __init__(
        self, config: Config, methods: Config, datasets: Config, tables: Config, source: str = "config/config.yaml"
    ) -> None:
        """Takes the contents of the four files under `config/` and checks them.

        `source` is what errors call the first, which may be put together from several files.

        Raises:
            UserError: something is misspelt, of the wrong type, unknown or impossible.
        """
        validate(config, "config", source)
        for content, name in ((methods, "methods"), (datasets, "datasets"), (tables, "tables")):
            validate(content, name, f"config/{name}.yaml")
        self.config, self.methods, self.datasets, self.tables = config, methods, datasets, tables
        check_names(config, methods, datasets, tables, source)
        check_possible(self, source)

    def cells(self) -> Iterator[Cell]:
        """All cells of the experiment."""
        config = self.config
        for dataset in config["datasets"]:
            for backbone in config["backbones"]:
                for seed in config["seeds"]:
                    for method in config["methods"]:
                        for shot in config["shots"]:
                            yield Cell(dataset, backbone, seed, method, config["way"], shot)

    def table_layout(self, table: str) -> str:
        """Title, rows and remarks of a table, as JSON; of its rows those that the experiment selects."""
        rows = [
            {"group": group["name"], "row": self.methods[method]["label"], "method": method}
            for group in self.tables[table]["groups"]
            for method in group["methods"]
            if method in self.config["methods"]
        ]
        return as_json(
            {
                "table": table,
                "title": self.tables[table]["title"],
                "rows": rows,
                "datasets": self._titles(),
                "protocol": "default",
                "batch_norm": "running",
            }
        )

    def curves(self) -> list[str]:
        """The methods of the convergence figure that the experiment selects."""
        return [method for method in self.tables["convergence"]["methods"] if method in self.config["methods"]]

    def convergence_layout(self) -> str:
        """Title and curves of the convergence figure, as JSON."""
        labels = {method: self.methods[method]["label"] for method in self.curves()}
        return as_json({"title": self.tables["convergence"]["title"], "methods": labels, "datasets": self._titles()})

    def _titles(self) -> Config:
        return {name: {key: self.datasets[name][key] for key in ("title", "note")} for name in self.config["datasets"]}

    def meta_trained(self, method: str) -> bool:
        """Whether a method has a meta-training stage."""
        return bool(self.methods[method]["meta_batch"] != "none")

    def settings(self, **context: str | int) -> Config:
        """The settings of a job after all overrides that apply to `context` (dataset, backbone, method, shot)."""
        settings = {key: self.config[key] for key in ("width", *SECTIONS)}
        for override in self.config["overrides"]:
            if all(context.get(key) == value for key, value in override["when"].items()):
                for key in override.keys() - {"when"}:
                    value = override[key]
                    settings[key] = {**settings[key], **value} if isinstance(value, dict) else value
        return settings

    def job(self, stage: str) -> Config:
        """Threads, memory (MB), minutes and gpus of a kind of job."""
        return dict(self.config["jobs"][stage])


def as_json(content: Any) -> str:
    """JSON on one line, letters as they are."""
    return json.dumps(content, ensure_ascii=False)


def load(config: Config, folder: Path, files: Sequence[Path] = ()) -> Plan:
    """The plan of an experiment; methods, datasets and tables are read from `folder`, `config` came from `files`.

    Raises:
        UserError: a file cannot be read or something in it is wrong.
    """
    methods, datasets, tables = (read_yaml(folder / f"{name}.yaml") for name in ("methods", "datasets", "tables"))
    return Plan(config, methods, datasets, tables, " + ".join(map(str, files)) or "config/config.yaml")


def read_yaml(path: Path) -> Config:
    """Reads a YAML mapping.

    Raises:
        UserError: the file is missing or is not one.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a mapping of keys to values")
    return content
