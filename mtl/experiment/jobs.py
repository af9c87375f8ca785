"""Every job: its spec, its code, the inputs that depend on the cell, and the resources it needs.

A spec contains exactly the settings that a result depends on. Rules put spec and code into `params`, so that a changed
value or line reruns what it affects and nothing else.
"""

from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from functools import cache
from types import SimpleNamespace
from typing import Any, Protocol

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid
from mtl.experiment.project import Content, Project
from mtl.runtime.extensions import extensions
from mtl.runtime.files import sha256
from mtl.runtime.fingerprint import fingerprint
from mtl.specs.computing import Needs
from mtl.specs.drawing import EpisodesSpec
from mtl.specs.evaluating import EvaluateSpec
from mtl.specs.meta_training import MetaTrainSpec
from mtl.specs.preparing import AskedImages, PrepareSpec
from mtl.specs.pretraining import PretrainSpec
from mtl.specs.reading import as_json, digest_of, spec_of, to_plain
from mtl.specs.stages import STAGES, entry_points

SPECS = {
    "prepare": PrepareSpec,
    "episodes": EpisodesSpec,
    "pretrain": PretrainSpec,
    "meta_train": MetaTrainSpec,
    "evaluate": EvaluateSpec,
    "curve": EvaluateSpec,
}


class Wildcards(Protocol):
    """The parts of a path, as Snakemake passes them: every value is text. A job has only some of them."""

    dataset: str
    backbone: str
    seed: str
    split: str
    method: str
    way: str
    shot: str
    query: str
    size: str


ByWildcards = Callable[[Wildcards], Any]


class Jobs:
    """Answers the rules of stages; its methods return input and parameter functions for Snakemake."""

    def __init__(self, grid: Grid, project: Project, with_curves: Collection[str]) -> None:
        """Takes the methods whose accuracy is measured in the course of meta-training, because a figure shows it."""
        self._grid = grid
        self._project = project
        self._with_curves = with_curves
        self._work = cache(self._unnamed)

    def needs(self, stage: str, wildcards: Wildcards) -> Needs:
        """Threads, memory, minutes and GPUs of a job."""
        names = [name for name in ("dataset", "backbone", "method", "way", "shot") if hasattr(wildcards, name)]
        context = {name: getattr(wildcards, name) for name in names}
        context |= {name: int(context[name]) for name in ("way", "shot") if name in context}
        return Needs(**self._grid.settings(**context)["jobs"][stage])

    def spec(self, stage: str) -> ByWildcards:
        """The spec of a job of a stage, as JSON."""
        return lambda wildcards: as_json(to_plain(spec_of(SPECS[stage], self._values(stage, wildcards))))

    def asked(self, cell: Cell) -> dict[str, str]:
        """Digests of the specs of a cell's stages, to compare with what the cell says it was made with."""
        return {stage: digest_of(spec) for stage, spec in self.asked_specs(cell).items()}

    def asked_specs(self, cell: Cell) -> dict[str, Content]:
        """The specs of a cell's stages, by stage."""
        method = self._grid.methods[cell.method]
        stages = ["evaluate"]
        stages += ["meta_train"] if method.meta_trained and self.trained_as(cell) == cell.method else []
        stages += ["pretrain"] if method.pretrained else []
        return {stage: self._spec_of(stage, cell) for stage in stages}

    def trained_as(self, cell: Cell) -> str:
        """The method whose meta-training makes a cell's model.

        Its own; but a variant that trains exactly as a method of the experiment does takes the model of that one.
        """
        if cell.method not in self._grid.variants or not self._grid.methods[cell.method].meta_trained:
            return cell.method
        peers = [other.method for other in self._grid.cells if replace(other, method=cell.method) == cell]
        candidates = dict.fromkeys([self._grid.variants[cell.method].base, *peers])
        return next((name for name in candidates if self.same_work("meta_train", cell, name)), cell.method)

    def same_work(self, stage: str, cell: Cell, method: str) -> bool:
        """Whether a stage does the same for a cell as for that of another method."""
        methods = self._grid.methods
        if stage == "meta_train" and not (methods[cell.method].meta_trained and methods[method].meta_trained):
            return methods[cell.method].meta_trained == methods[method].meta_trained
        return bool(self._work(stage, cell) == self._work(stage, replace(cell, method=method)))

    def _unnamed(self, stage: str, cell: Cell) -> Content:
        """The spec of a stage of a cell, without what changes no result."""
        spec = self._spec_of(stage, cell)
        del spec["method"]["name"]
        spec.get("meta_train", {}).pop("snapshots", None)
        return spec

    def _spec_of(self, stage: str, cell: Cell) -> Content:
        wildcards: Any = SimpleNamespace(**{name: str(value) for name, value in vars(cell).items()})
        return to_plain(spec_of(SPECS[stage], self._values(stage, wildcards)))

    def asked_images(self, dataset: str) -> AskedImages:
        """What the config asks of the images of a dataset."""
        entry = self._grid.datasets[dataset]
        return AskedImages(
            spec=PrepareSpec(dataset=dataset, seed=entry.seed, size=self._grid.config.image_size),
            kind=entry.kind,
            class_list=self._project.shown(entry.split),
            images_per_class=entry.images_per_class,
            sources=entry.sources,
        )

    def code(self, stage: str) -> ByWildcards:
        """A digest of the code of a stage."""
        return lambda wildcards: fingerprint(*self._entries(stage, wildcards))

    def _entries(self, stage: str, wildcards: Wildcards) -> list[str]:
        if stage == "pretrain":
            settings = self._grid.settings(dataset=wildcards.dataset, backbone=wildcards.backbone)
            return entry_points(stage, wildcards.backbone, optimizer=settings["pretrain"]["optimizer"])
        if stage in STAGES:
            return entry_points(stage, wildcards.backbone, learner=self._grid.methods[wildcards.method].learner)
        if stage == "episodes":
            return ["data.stored_episodes:write_episodes"]
        rendered = self.rendered(wildcards)
        if stage == "split":
            images = "numbered_images" if rendered else "found_images"
            return ["data.split:read_class_list", "data.split:write_split", f"data.images_of:{images}"]
        if rendered:
            return ["data.prepare:prepare", "data.glyphs:rendered"]
        forms = {source.form for source in self._grid.datasets[wildcards.dataset].sources}
        # An unpacked tree is always read as `images`.
        readers = [f"data.archives.{form}:read" for form in sorted({"images", *forms})]
        return ["data.prepare:prepare", "data.source_images:opened", *readers]

    def rendered(self, wildcards: Wildcards) -> bool:
        """Whether the images of a dataset are rendered, not fetched."""
        return self._grid.datasets[wildcards.dataset].kind == "glyphs"

    def class_list(self, wildcards: Wildcards) -> str:
        """The path of a dataset's class list."""
        return self._project.shown(self._grid.datasets[wildcards.dataset].split)

    def class_list_digest(self, wildcards: Wildcards) -> str:
        """Its SHA-256. Snakemake compares large files by time alone, and an installation makes all files new."""
        return sha256(self._project.path(self._grid.datasets[wildcards.dataset].split))

    def images_per_class(self, wildcards: Wildcards) -> int:
        """How many images each class of a dataset has."""
        return self._grid.datasets[wildcards.dataset].images_per_class

    def checksums(self, wildcards: Wildcards) -> str:
        """The checksums of a dataset's sources, without mirrors: a new mirror must not fetch again."""
        sources = self._grid.datasets[wildcards.dataset].sources
        forms = [[source.form, {file.name: file.checksum for file in source.files}, source.merge] for source in sources]
        return as_json([form if form[-1] else form[:-1] for form in forms])

    def reference(self, wildcards: Wildcards) -> str:
        """The expected SHA-256 of the prepared pixels, empty if unknown."""
        return self._grid.datasets[wildcards.dataset].digests.get(wildcards.size, "")

    def with_query(self, path: str) -> ByWildcards:
        """A path of stored episodes, with the number of queries for a cell's shots filled in."""
        return lambda wildcards: path.replace("{query}", str(self._grid.query(int(wildcards.shot))))

    def selecting(self, path: str) -> ByWildcards:
        """A path of the stored episodes that select a cell's model, with split and number of queries filled in."""
        return lambda wildcards: self.with_query(path.replace("{split}", self._selecting_split(wildcards)))(wildcards)

    def _selecting_split(self, wildcards: Wildcards) -> str:
        return "test" if self._settings(wildcards)["meta_train"]["select_on"] == "test" else "val"

    def if_pretrained(self, path: str) -> ByWildcards:
        """A path, or nothing for a method that starts from random weights."""
        return lambda wildcards: path if self._grid.methods[wildcards.method].pretrained else []

    def if_meta_trained(self, path: str) -> ByWildcards:
        """The path of a trained model, or nothing for a method without meta-training."""
        return lambda wildcards: (
            path.replace("{method}", self.trained_as(_cell(wildcards)))
            if self._grid.methods[wildcards.method].meta_trained
            else []
        )

    def if_fetched(self, path: str) -> ByWildcards:
        """A path, or nothing for a dataset that is rendered."""
        return lambda wildcards: [] if self.rendered(wildcards) else path

    def _values(self, stage: str, wildcards: Wildcards) -> Content:
        """All that the spec of a stage may hold."""
        if stage == "prepare":
            return self._prepare(wildcards)
        if stage == "episodes":
            return self._episodes(wildcards)
        return self._pretrain(wildcards) if stage == "pretrain" else self._cell(stage, wildcards)

    def _prepare(self, wildcards: Wildcards) -> Content:
        seed = self._grid.datasets[wildcards.dataset].seed
        return {"dataset": wildcards.dataset, "seed": seed, "size": int(wildcards.size)}

    def _episodes(self, wildcards: Wildcards) -> Content:
        episodes = self._grid.config.episodes
        count = episodes.test if wildcards.split == "test" else episodes.validation
        numbers = {name: int(getattr(wildcards, name)) for name in ("way", "shot", "query", "seed")}
        return {"split": wildcards.split, "count": count, **numbers}

    def _pretrain(self, wildcards: Wildcards) -> Content:
        settings = self._grid.settings(dataset=wildcards.dataset, backbone=wildcards.backbone)
        return self._common("pretrain", settings, wildcards)

    def _cell(self, stage: str, wildcards: Wildcards) -> Content:
        """All that the spec of a stage of a cell may hold."""
        method = self._grid.methods[wildcards.method]
        way, shot = int(wildcards.way), int(wildcards.shot)
        values = self._common(stage, self._settings(wildcards), wildcards)
        counts = {"val": self._grid.config.episodes.validation, "test": self._grid.config.episodes.test}
        stored = {split: {"count": count, "query": self._grid.query(shot)} for split, count in counts.items()}
        selecting = self._selecting_split(wildcards) if stage == "meta_train" else "val"
        values |= {
            "method": {"name": wildcards.method, **asdict(method)},
            "queries_together": self._grid.queries_together(values, shot),
            "way": way,
            "shot": shot,
            "flip_support": values["base_learner"]["flip_support"],
            "validation": stored[selecting],
            "test": stored["test"],
        }
        if wildcards.method not in self._with_curves:
            values["meta_train"] = {**values["meta_train"], "snapshots": []}
        if not method.has_hard_tasks:
            values["hard_tasks"] = None
        if not extensions("learners")[method.learner]["INNER_STEPS"]:
            values["base_learner"] = None
        return values

    def _settings(self, wildcards: Wildcards) -> Content:
        """The settings of a cell."""
        context = {name: getattr(wildcards, name) for name in ("dataset", "backbone", "method")}
        return self._grid.settings(**context, way=int(wildcards.way), shot=int(wildcards.shot))

    def _common(self, stage: str, settings: Content, wildcards: Wildcards) -> Content:
        """What the specs of all stages that train or score may hold."""
        sizes = {"width": settings["width"], "image_size": self._grid.config.image_size}
        needs = self.needs("evaluate" if stage == "curve" else stage, wildcards)
        return {
            **settings,
            "network": {"name": wildcards.backbone, **sizes},
            "seed": int(wildcards.seed),
            "runtime": {**asdict(self._grid.config.runtime), "threads": needs.threads},
        }


def _cell(wildcards: Wildcards) -> Cell:
    """The cell of a job."""
    numbers = {name: int(getattr(wildcards, name)) for name in ("seed", "way", "shot")}
    return Cell(wildcards.dataset, wildcards.backbone, method=wildcards.method, **numbers)
