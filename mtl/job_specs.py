"""The spec of every job: exactly the settings its result depends on, as JSON.

A rule puts it into `params`, so that a changed value reruns what it touches and nothing else.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from mtl import spec as specs
from mtl.fingerprint import fingerprint, of_stage
from mtl.plan import Config, Plan, as_json


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


class JobSpecs:
    """Answers the rules; its methods are Snakemake's input and parameter functions."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.config, self.methods, self.datasets = plan, plan.config, plan.methods, plan.datasets

    def class_list(self, wildcards: Wildcards) -> str:
        """The class list of a dataset."""
        return str(self.datasets[wildcards.dataset]["split"])

    def images_per_class(self, wildcards: Wildcards) -> int:
        """How many images each class of a dataset has."""
        return int(self.datasets[wildcards.dataset]["images_per_class"])

    def rendered(self, wildcards: Wildcards) -> bool:
        """Whether the images of a dataset are rendered and come from nowhere."""
        return bool(self.datasets[wildcards.dataset]["kind"] == "glyphs")

    def checksums(self, wildcards: Wildcards) -> str:
        """What a dataset's sources are verified by; another mirror is no reason to fetch again."""
        sources = self.datasets[wildcards.dataset]["sources"]
        named = [
            [source["layout"], {file["name"]: file.get("checksum") for file in source.get("files", [])}]
            for source in sources
        ]
        return as_json(named)

    def prepare(self, wildcards: Wildcards) -> str:
        """Spec of the prepared images of a dataset."""
        seed = self.datasets[wildcards.dataset].get("seed")
        return _dump(specs.PrepareSpec(dataset=wildcards.dataset, seed=seed, size=int(wildcards.size)))

    def reference(self, wildcards: Wildcards) -> str:
        """The SHA-256 that the prepared pixels should have, empty where it is not known."""
        return str(self.datasets[wildcards.dataset]["digests"].get(wildcards.size, ""))

    def episodes(self, wildcards: Wildcards) -> str:
        """Spec of a store of episodes."""
        count = self.config["episodes"]["test" if wildcards.split == "test" else "validation"]
        numbers = {name: int(getattr(wildcards, name)) for name in ("way", "shot", "query", "seed")}
        return _dump(specs.EpisodesSpec(split=wildcards.split, count=count, **numbers))

    def with_query(self, path: str) -> Callable[[Wildcards], str]:
        """A path of stored episodes with the number of queries that a cell's shots ask for."""
        return lambda wildcards: path.replace("{query}", str(self.plan.query(int(wildcards.shot))))

    def if_pretrained(self, path: str) -> Callable[[Wildcards], str | list[str]]:
        """The path of Θ, or nothing for a method that starts from random weights."""
        return lambda wildcards: path if self.plan.pretrained(wildcards.method) else []

    def pretrain(self, wildcards: Wildcards) -> str:
        """Spec of a pre-training."""
        settings = self.plan.settings(dataset=wildcards.dataset, backbone=wildcards.backbone)
        own = (
            "iterations", "batch_size", "optimizer", "weight_decay", "dropout", "crop_padding", "flip", "log_every",
        )  # fmt: skip
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
        own = ("iterations", "tasks", "query", "theta_start", "validate_every", "selected_iteration")
        return _dump(
            specs.MetaTrainSpec(
                method=method,
                network=self._network(wildcards, settings),
                batch_norm=self.plan.batch_norm(wildcards.method),
                way=int(wildcards.way),
                shot=int(wildcards.shot),
                snapshots=settings["meta_train"]["snapshots"] if wildcards.method in self.plan.curves() else [],
                meta_train=specs.MetaTrain(
                    schedule=_schedule(settings["meta_train"]), **{key: settings["meta_train"][key] for key in own}
                ),
                hard_tasks=specs.HardTasks(**settings["hard_tasks"]) if method.meta_batch.startswith("hard") else None,
                base_learner=specs.BaseLearner(
                    self._mean_rate(settings["base_learner"]), settings["base_learner"]["steps"]
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
                batch_norm=self.plan.batch_norm(wildcards.method),
                way=int(wildcards.way),
                shot=int(wildcards.shot),
                learning_rate=self._mean_rate(settings["base_learner"], settings["base_learner"]["flip_support"]),
                **{key: settings["base_learner"][key] for key in ("test_steps", "flip_support")},
                seed=int(wildcards.seed),
                runtime=self._runtime("evaluate"),
            )
        )

    def code(self, stage: str) -> Callable[[Wildcards], str]:
        """A digest of the code of a stage of a cell."""
        return lambda wildcards: fingerprint(
            *of_stage(stage, wildcards.backbone, self.methods[wildcards.method]["learner"])
        )

    def code_of_images(self, wildcards: Wildcards) -> str:
        """A digest of the code that prepares a dataset: of rendering it, or of reading the forms it may have."""
        if self.rendered(wildcards):
            return fingerprint("data.prepare", "data.glyphs")
        layouts = {"images", "members", *(source["layout"] for source in self.datasets[wildcards.dataset]["sources"])}
        readers = ["data.source", "data.decode", *(f"data.layouts.{layout}" for layout in sorted(layouts))]
        return fingerprint("data.prepare", *readers)

    def _cell_settings(self, wildcards: Wildcards) -> tuple[Config, specs.Method]:
        context = {name: getattr(wildcards, name) for name in ("dataset", "backbone", "method")}
        keys = {key: value for key, value in self.methods[wildcards.method].items() if key != "label"}
        return self.plan.settings(**context, shot=int(wildcards.shot)), specs.Method(name=wildcards.method, **keys)

    def _network(self, wildcards: Wildcards, settings: Config) -> specs.Network:
        return specs.Network(wildcards.backbone, settings["width"], self.config["image_size"])

    def _mean_rate(self, base_learner: Config, flipped: bool = False) -> float:
        """The learning rate for a mean loss, whatever loss the config's is for."""
        rate = float(base_learner["learning_rate"])
        return rate * self.config["way"] * (2 if flipped else 1) if base_learner["loss"] == "sum-over-shots" else rate

    def _runtime(self, stage: str) -> specs.Runtime:
        return specs.Runtime(threads=self.config["jobs"][stage]["threads"], **self.config["runtime"])


def _schedule(section: Mapping[str, Any]) -> specs.Schedule:
    return specs.Schedule(section["learning_rate"], section["halve_every"], section["learning_rate_floor"])


def _dump(spec: Any) -> str:
    return as_json(dataclasses.asdict(spec))
