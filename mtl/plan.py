"""From config to cells and specs: what the Snakemake rules ask, and nothing of Snakemake itself.

A *spec* holds exactly the settings that a job's result depends on, as JSON; a rule puts it into `params`, so a changed
value reruns what it touches.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import yaml

from mtl import spec as specs
from mtl.cell import Cell
from mtl.runtime.errors import UserError
from mtl.schemas import validate
from mtl.schemas.checks import check_names, check_possible

Config = dict[str, Any]
SECTIONS = ("pretrain", "meta_train", "hard_tasks", "base_learner")


class Wildcards(Protocol):
    """The parts of a path, as Snakemake hands them over: every value is text. A job has only some of them."""

    dataset: str
    backbone: str
    seed: str
    split: str
    method: str
    way: str
    shot: str
    query: str
    size: str


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

    # Cells

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
        return _json(
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
        return _json({"title": self.tables["convergence"]["title"], "methods": labels, "datasets": self._titles()})

    def _titles(self) -> Config:
        return {name: {key: self.datasets[name][key] for key in ("title", "note")} for name in self.config["datasets"]}

    def meta_trained(self, method: str) -> bool:
        """Whether a method has a meta-training stage."""
        return bool(self.methods[method]["meta_batch"] != "none")

    # Settings and specs

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

    def class_list(self, wildcards: Wildcards) -> str:
        """The class list of a dataset."""
        return str(self.datasets[wildcards.dataset]["split"])

    def images_per_class(self, wildcards: Wildcards) -> int:
        """How many images each class of a dataset has."""
        return int(self.datasets[wildcards.dataset]["images_per_class"])

    def prepare(self, wildcards: Wildcards) -> str:
        """Spec of the prepared images of a dataset."""
        entry = self.datasets[wildcards.dataset]
        return _dump(
            specs.PrepareSpec(
                dataset=wildcards.dataset,
                seed=entry["seed"],
                size=int(wildcards.size),
                digest=entry["digests"].get(wildcards.size),
            )
        )

    def episodes(self, wildcards: Wildcards) -> str:
        """Spec of a store of episodes."""
        count = self.config["episodes"]["test" if wildcards.split == "test" else "validation"]
        numbers = {name: int(getattr(wildcards, name)) for name in ("way", "shot", "query", "seed")}
        return _dump(specs.EpisodesSpec(split=wildcards.split, count=count, **numbers))

    def pretrain(self, wildcards: Wildcards) -> str:
        """Spec of a pre-training."""
        settings = self.settings(dataset=wildcards.dataset, backbone=wildcards.backbone)
        own = ("iterations", "batch_size", "dropout", "crop_padding", "flip", "log_every")
        return _dump(
            specs.PretrainSpec(
                network=self._network(wildcards, settings),
                pretrain=specs.Pretrain(
                    schedule=_schedule(settings["pretrain"]), **{key: settings["pretrain"][key] for key in own}
                ),
                seed=int(wildcards.seed),
                runtime=self._runtime("pretrain"),
            )
        )

    def meta_train(self, wildcards: Wildcards) -> str:
        """Spec of a cell's meta-training."""
        settings, method = self._cell_settings(wildcards)
        own = ("iterations", "tasks", "query", "validate_every")
        return _dump(
            specs.MetaTrainSpec(
                method=method,
                network=self._network(wildcards, settings),
                way=int(wildcards.way),
                shot=int(wildcards.shot),
                meta_train=specs.MetaTrain(
                    schedule=_schedule(settings["meta_train"]), **{key: settings["meta_train"][key] for key in own}
                ),
                hard_tasks=specs.HardTasks(**settings["hard_tasks"]) if method.meta_batch.startswith("hard") else None,
                base_learner=specs.BaseLearner(
                    settings["base_learner"]["learning_rate"], settings["base_learner"]["steps"]
                ),
                seed=int(wildcards.seed),
                runtime=self._runtime("meta_train"),
            )
        )

    def evaluate(self, wildcards: Wildcards) -> str:
        """Spec of a cell's evaluation."""
        settings, method = self._cell_settings(wildcards)
        return _dump(
            specs.EvaluateSpec(
                method=method,
                network=self._network(wildcards, settings),
                way=int(wildcards.way),
                shot=int(wildcards.shot),
                learning_rate=settings["base_learner"]["learning_rate"],
                test_steps=settings["base_learner"]["test_steps"],
                seed=int(wildcards.seed),
                runtime=self._runtime("evaluate"),
            )
        )

    def _cell_settings(self, wildcards: Wildcards) -> tuple[Config, specs.Method]:
        context = {name: getattr(wildcards, name) for name in ("dataset", "backbone", "method")}
        keys = {key: value for key, value in self.methods[wildcards.method].items() if key != "label"}
        return self.settings(**context, shot=int(wildcards.shot)), specs.Method(name=wildcards.method, **keys)

    def _network(self, wildcards: Wildcards, settings: Config) -> specs.Network:
        return specs.Network(wildcards.backbone, settings["width"], self.config["image_size"])

    def _runtime(self, stage: str) -> specs.Runtime:
        return specs.Runtime(threads=self.config["jobs"][stage]["threads"], **self.config["runtime"])


def _schedule(section: Mapping[str, Any]) -> specs.Schedule:
    return specs.Schedule(section["learning_rate"], section["halve_every"], section["learning_rate_floor"])


def _dump(spec: Any) -> str:
    return _json(dataclasses.asdict(spec))


def _json(content: Any) -> str:
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
