"""Every job: its spec, its code, the inputs that depend on the cell, and the resources it needs.

A spec contains exactly the settings that a result depends on. Rules put spec and code into `params`, so that a changed
value or line reruns what it affects and nothing else.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

from mtl.experiment.grid import Grid
from mtl.experiment.project import Content
from mtl.runtime.extensions import extensions
from mtl.runtime.fingerprint import fingerprint, of_stage
from mtl.specs.computing import Needs
from mtl.specs.drawing import EpisodesSpec
from mtl.specs.evaluating import EvaluateSpec
from mtl.specs.meta_training import MetaTrainSpec
from mtl.specs.preparing import PrepareSpec
from mtl.specs.pretraining import PretrainSpec
from mtl.specs.reading import taken

# The stages of a cell, which depend on a learner.
CELL_STAGES = {
    "meta_train": (MetaTrainSpec, "training.meta_train:meta_train"),
    "evaluate": (EvaluateSpec, "evaluation.evaluate:evaluate"),
    "curve": (EvaluateSpec, "evaluation.curve:curve"),
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


Asked = Callable[[Wildcards], Any]


class Jobs:
    """Answers the rules of stages; its methods return input and parameter functions for Snakemake."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid

    def needs(self, stage: str) -> Needs:
        """Threads, memory, minutes and GPUs of a kind of job."""
        return getattr(self._grid.config.jobs, stage)  # type: ignore[no-any-return]

    def spec(self, stage: str) -> Asked:
        """The spec of a job of a stage, as JSON."""
        if stage in CELL_STAGES:
            kind, _ = CELL_STAGES[stage]
            return lambda wildcards: as_json(taken(kind, self._cell_values(stage, wildcards)))
        values = {"prepare": self._prepare, "episodes": self._episodes, "pretrain": self._pretrain}[stage]
        return lambda wildcards: as_json(values(wildcards))

    def code(self, stage: str) -> Asked:
        """A digest of the code of a stage."""
        return lambda wildcards: fingerprint(*self._entries(stage, wildcards))

    def _entries(self, stage: str, wildcards: Wildcards) -> list[str]:
        if stage in CELL_STAGES:
            _, entry = CELL_STAGES[stage]
            return of_stage(entry, wildcards.backbone, self._grid.methods[wildcards.method].learner)
        if stage == "pretrain":
            return of_stage("training.pretrain:pretrain", wildcards.backbone)
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
        """The class list of a dataset, as `config/datasets.yaml` names it."""
        return self._grid.datasets[wildcards.dataset].split

    def images_per_class(self, wildcards: Wildcards) -> int:
        """How many images each class of a dataset has."""
        return self._grid.datasets[wildcards.dataset].images_per_class

    def checksums(self, wildcards: Wildcards) -> str:
        """The checksums of a dataset's sources, without mirrors: a new mirror must not fetch again."""
        sources = self._grid.datasets[wildcards.dataset].sources
        return as_json([[source.form, {file.name: file.checksum for file in source.files}] for source in sources])

    def reference(self, wildcards: Wildcards) -> str:
        """The expected SHA-256 of the prepared pixels, empty if unknown."""
        return self._grid.datasets[wildcards.dataset].digests.get(wildcards.size, "")

    def with_query(self, path: str) -> Asked:
        """A path of stored episodes, with the number of queries for a cell's shots filled in."""
        return lambda wildcards: path.replace("{query}", str(self._grid.query(int(wildcards.shot))))

    def if_pretrained(self, path: str) -> Asked:
        """A path, or nothing for a method that starts from random weights."""
        return lambda wildcards: path if self._grid.methods[wildcards.method].pretrained else []

    def if_meta_trained(self, path: str) -> Asked:
        """A path, or nothing for a method without meta-training."""
        return lambda wildcards: path if self._grid.methods[wildcards.method].meta_trained else []

    def if_fetched(self, path: str) -> Asked:
        """A path, or nothing for a dataset that is rendered."""
        return lambda wildcards: [] if self.rendered(wildcards) else path

    def _prepare(self, wildcards: Wildcards) -> Content:
        seed = self._grid.datasets[wildcards.dataset].seed
        return taken(PrepareSpec, {"dataset": wildcards.dataset, "seed": seed, "size": int(wildcards.size)})

    def _episodes(self, wildcards: Wildcards) -> Content:
        episodes = self._grid.config.episodes
        count = episodes.test if wildcards.split == "test" else episodes.validation
        numbers = {name: int(getattr(wildcards, name)) for name in ("way", "shot", "query", "seed")}
        return taken(EpisodesSpec, {"split": wildcards.split, "count": count, **numbers})

    def _pretrain(self, wildcards: Wildcards) -> Content:
        settings = self._grid.settings(dataset=wildcards.dataset, backbone=wildcards.backbone)
        return taken(PretrainSpec, self._common("pretrain", settings, wildcards))

    def _cell_values(self, stage: str, wildcards: Wildcards) -> Content:
        """All values that the spec of a cell's stage may contain."""
        grid = self._grid
        method = grid.methods[wildcards.method]
        shot = int(wildcards.shot)
        context = {name: getattr(wildcards, name) for name in ("dataset", "backbone", "method")}
        values = self._common(stage, grid.settings(**context, shot=shot), wildcards)
        values |= {
            "method": {"name": wildcards.method, **asdict(method)},
            "batch_norm": grid.batch_norm(wildcards.method),
            "way": int(wildcards.way),
            "shot": shot,
            "flip_support": values["base_learner"]["flip_support"],
        }
        if wildcards.method not in self.with_curves():
            values["meta_train"] = {**values["meta_train"], "snapshots": []}
        if not method.meta_batch.startswith("hard"):
            values["hard_tasks"] = None
        if not extensions("learners")[method.learner]["INNER_STEPS"]:
            values["base_learner"] = None
        return values

    def _common(self, stage: str, settings: Content, wildcards: Wildcards) -> Content:
        """The values that the specs of all stages that train or score may contain."""
        sizes = {"width": settings["width"], "image_size": self._grid.config.image_size}
        needs = self.needs("evaluate" if stage == "curve" else stage)
        return {
            **settings,
            "network": {"name": wildcards.backbone, **sizes},
            "seed": int(wildcards.seed),
            "runtime": {**asdict(self._grid.config.runtime), "threads": needs.threads},
        }

    def with_curves(self) -> set[str]:
        """The methods whose accuracy is measured during meta-training, because a figure shows it."""
        figures = extensions("reporting.figures")
        shown = {
            method
            for name, entry in self._grid.tables.figures.items()
            if "curve.csv" in figures[module_of(name)]["FILES"]
            for method in entry.methods or []
        }
        return shown & set(self._grid.selected("method"))


def module_of(figure: str) -> str:
    """The module that draws a figure: file names have hyphens where module names have underscores."""
    return figure.replace("-", "_")


def as_json(content: Any) -> str:
    """JSON on one line, without escaping non-ASCII letters."""
    return json.dumps(content, ensure_ascii=False)
