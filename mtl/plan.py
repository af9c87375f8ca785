"""What an experiment consists of: cells, settings, tables. The rules ask it; it knows nothing of Snakemake."""

import json
from collections.abc import Iterator
from typing import Any

from mtl.cell import Cell

Config = dict[str, Any]
SECTIONS = ("pretrain", "meta_train", "hard_tasks", "base_learner")


class Plan:
    """Everything an experiment consists of."""

    def __init__(self, config: Config, methods: Config, datasets: Config, tables: Config) -> None:
        """Takes the checked contents of the four files under `config/`; `mtl.load` checks them."""
        self.config, self.methods, self.datasets, self.tables = config, methods, datasets, tables

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
        """Title, rows and remarks of a table, as JSON: a row for every method that the experiment selects."""
        groups = {group["name"]: group["methods"] for group in self.tables[table]["groups"]}
        listed = {method for methods in groups.values() for method in methods}
        groups["other methods"] = [method for method in self.config["methods"] if method not in listed]
        rows = [
            {"group": group, "row": self.methods[method]["label"], "method": method}
            for group, methods in groups.items()
            for method in methods
            if method in self.config["methods"]
        ]
        return as_json(
            {
                "table": table,
                "title": self.tables[table]["title"],
                "note": self.config["note"],
                "rows": rows,
                "datasets": self._titles(),
                "protocol": "default",
                "batch_norm": "running",
            }
        )

    def comparisons_layout(self) -> str:
        """Title and pairs of the comparisons between the methods that the experiment selects, as JSON."""
        table, selected = self.tables["comparisons"], set(self.config["methods"])
        pairs = [pair for pair in table["pairs"] if selected.issuperset(pair)]
        labels = {name: self.methods[name]["label"] for pair in pairs for name in pair}
        title, note = table["title"], self.config["note"]
        return as_json({"title": title, "note": note, "pairs": pairs, "labels": labels, "datasets": self._titles()})

    def curves(self) -> list[str]:
        """The methods of the convergence figure that the experiment selects."""
        return [method for method in self.tables["convergence"]["methods"] if method in self.config["methods"]]

    def convergence_layout(self) -> str:
        """Title and curves of the convergence figure, as JSON."""
        labels = {method: self.methods[method]["label"] for method in self.curves()}
        title, note = self.tables["convergence"]["title"], self.config["note"]
        return as_json({"title": title, "note": note, "methods": labels, "datasets": self._titles()})

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
