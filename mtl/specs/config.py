"""`config/config.yaml`: what an experiment runs and for how long, where results go, what jobs need."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

from mtl.specs.computing import Computing, Jobs
from mtl.specs.declare import Distinct, Found, Settings, Within, key
from mtl.specs.drawing import Episodes
from mtl.specs.inner_steps import BaseLearner
from mtl.specs.meta_training import HardTasks, MetaTrain
from mtl.specs.networks import ImageSize, Normalisation, Width
from mtl.specs.pretraining import Pretrain

FOLDER = "^[A-Za-z0-9._/-]+$"
Names = Annotated[list[str], Distinct()]
Backbones = Annotated[list[Annotated[str, Found("networks")]], Distinct()]
Ways = Annotated[list[Annotated[int, Within(ge=2)]], Distinct()]
Shots = Annotated[list[Annotated[int, Within(ge=1)]], Distinct()]
Rates = Annotated[list[Annotated[float, Within(gt=0)]], Distinct()]
Seeds = Annotated[list[Annotated[int, Within(ge=0, le=2**32 - 1)]], Distinct()]


@dataclass(frozen=True, kw_only=True)
class GridEntry(Settings):
    """Some cells of an experiment."""

    datasets: Names | None = key("Replaces `datasets`.", default=None, min_length=1)
    backbones: Backbones | None = key("Replaces `backbones`.", default=None, min_length=1)
    seeds: Seeds | None = key("Replaces `seeds`.", default=None, min_length=1)
    methods: Names | None = key("Replaces `methods`.", default=None, min_length=1)
    ways: Ways | None = key("Replaces `ways`.", default=None, min_length=1)
    shots: Shots | None = key("Replaces `shots`.", default=None, min_length=1)


@dataclass(frozen=True, kw_only=True)
class Folders(Settings):
    """The section `pathvars` of a config, as Snakemake calls it."""

    results: str = key("Tables, figures and cells, relative to the project.", pattern=FOLDER)
    logs: str = key("One log per job.", pattern=FOLDER)
    benchmarks: str = key("Wall time and memory of each job, JSON lines.", pattern=FOLDER)


@dataclass(frozen=True, kw_only=True)
class When(Settings):
    """The cells that an override applies to."""

    dataset: str | list[str] | None = key("A dataset, or a list of them.", default=None)
    backbone: str | list[str] | None = key("A backbone, or a list of them.", default=None)
    method: str | list[str] | None = key(
        "A method, or a list; never matches pre-training, which has none.", default=None
    )
    way: int | list[int] | None = key(
        "A number of classes per task, or a list; never matches pre-training, which has none.", default=None
    )
    shot: int | list[int] | None = key(
        "A number of shots, or a list; never matches pre-training, which has none.", default=None
    )


@dataclass(frozen=True, kw_only=True)
class CellSettings(Width, Normalisation):
    """The settings that may differ between the cells of an experiment."""

    pretrain: Pretrain = key("Pre-training of Θ on all training classes.", paper="sections 4.1 and 5.1")
    meta_train: MetaTrain = key("The outer loop: Adam on what a method meta-learns.", paper="sections 4.2 and 5.1")
    hard_tasks: HardTasks = key("The hard-task meta-batch.", paper="section 4.3; counts: extension, section 5.1")
    base_learner: BaseLearner = key("Gradient descent within a task.", paper="equation 3")


@dataclass(frozen=True, kw_only=True)
class JobSettings(CellSettings):
    """The settings that may differ between the jobs of an experiment."""

    jobs: Jobs = key("Resources of each kind of job.")


def partial(kind: Any) -> Any:
    """The same keys, all of them optional, also inside sections."""
    fields = []
    for field in dataclasses.fields(kind):
        inner = partial(field.type) if dataclasses.is_dataclass(field.type) else field.type
        fields.append((field.name, inner, dataclasses.field(default=None, metadata=field.metadata)))
    return dataclasses.make_dataclass(f"Partial{kind.__name__}", fields, bases=(Settings,), frozen=True, kw_only=True)


@dataclass(frozen=True, kw_only=True)
class Override(partial(JobSettings)):  # type: ignore[misc]
    """Other values for some cells."""

    when: When = key("The cells it applies to. Keys that are left out match every cell.")


@dataclass(frozen=True, kw_only=True)
class Selection(Settings):
    """What is run, and where results go."""

    note: str = key("A remark on the whole experiment that heads its tables and figures; may be empty.")
    data: str = key(
        "A folder with archives or unpacked trees of the datasets, directly or in a subfolder named after the dataset; "
        "then nothing is downloaded. Empty: download."
    )
    datasets: Names = key("Datasets to run, keys of `config/datasets.yaml`.", min_length=1)
    backbones: Backbones = key("Backbones Θ, modules of `mtl/networks`.", paper="section 5.1", min_length=1)
    seeds: Seeds = key(
        "Seeds of the experiment. A seed fixes initial weights, batches, tasks and episodes.", min_length=1
    )
    ways: Ways = key("Classes per task.", paper="5 (section 5.1)", min_length=1)
    shots: Shots = key(
        "Support images per class; each value is a column of the tables, for each of `ways`.",
        paper="1, 5; FC100 also 10",
        min_length=1,
    )
    methods: Names = key("Methods to run, keys of `config/methods.yaml`.", min_length=1)
    grids: list[GridEntry] = key(
        "What is run: for each entry, every combination of datasets, backbones, seeds, methods, ways and shots. Keys "
        "that an entry leaves out are as above; `[{}]` is a single grid of exactly those.",
        min_length=1,
    )
    rates: Rates = key(
        "Learning rates of meta-training for the table of rates, `rates.csv`; empty: there is no such table."
    )
    pathvars: Folders = key("Folders that Snakemake writes to; each experiment has all three of its own.")


@dataclass(frozen=True, kw_only=True)
class Config(JobSettings, ImageSize, Selection):
    """`config/config.yaml`."""

    episodes: Episodes = key("The stored episodes, shared by all methods.")
    runtime: Computing = key("Device and precision of all jobs.")
    overrides: list[Override] = key(
        "Other values for some cells. An entry applies to cells that match all of its `when`; later entries win."
    )
