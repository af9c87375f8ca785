"""The outer loop: Adam on what a method meta-learns (paper, sections 4.2, 4.3 and 5.1)."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mtl.specs.computing import Runtime
from mtl.specs.declare import Distinct, Settings, Within, key
from mtl.specs.drawing import Stored
from mtl.specs.inner_steps import TrainingSteps
from mtl.specs.methods import NamedMethod
from mtl.specs.networks import Network


@dataclass(frozen=True, kw_only=True)
class MetaTrain(Settings):
    """The section `meta_train` of a config."""

    iterations: int = key("Meta-batches, plain and hard together.", paper="up to 20 000", ge=1)
    tasks: int = key("Tasks per meta-batch.", paper="2", ge=1)
    query: int = key("Query images per class in training.", paper="15", ge=1)
    way: Annotated[int, Within(ge=2)] | None = key(
        "Classes per task in training; `null`: as many as at test. For learners whose weights do not depend on it.",
        paper="as at test; Prototypical Networks: 30 at 1 shot, 20 at 5",
        default=None,
    )
    theta_start: Literal["random", "zero"] = key(
        "The θ that meta-learning starts from. A random one takes a few thousand tasks to unlearn: inner steps cannot "
        "change the component of θ orthogonal to the support features.",
        paper="`random`",
    )
    learning_rate: float = key("γ at the start, for Φ and θ alike.", paper="1.0e-3", gt=0)
    halve_every: int = key("Iterations after which the learning rate is halved.", paper="1 000", ge=1)
    learning_rate_floor: float = key("The lowest learning rate.", paper="1.0e-4", gt=0)
    validate_every: int = key("Iterations between validations; the best trained model is kept.", ge=1)
    selected_iteration: Annotated[int, Within(ge=1)] | Literal["last"] | None = key(
        "`null`: evaluate the model with the best validation accuracy; a number: the model of that iteration; `last`: "
        "the model of the last one.",
        paper="17 000 and 14 000; FC100 1 000 (section 5.3)",
    )
    select_on: Literal["validation", "test"] = key(
        "The stored episodes that stand for validation in meta-training. `test` is there only to show how much it "
        "flatters: the test episodes then choose the model, and what `history.csv` and `training.json` call validation "
        "accuracy is theirs.",
        paper="validation; the authors' scripts choose the inner steps on test tasks",
        default="validation",
    )
    snapshots: Annotated[list[Annotated[int, Within(ge=0)]], Distinct()] = key(
        "Iterations at which figure 4 measures its methods on the test episodes.",
        paper="0, 200, ..., 1 000, 2 000, ..., 19 000",
    )

    @property
    def fixed_iteration(self) -> int | None:
        """The iteration whose model is evaluated, whatever its accuracy; None for the best."""
        return self.iterations if isinstance(self.selected_iteration, str) else self.selected_iteration


@dataclass(frozen=True, kw_only=True)
class HardTasks(Settings):
    """The section `hard_tasks` of a config; counts as in the TPAMI extension, section 5.1."""

    every: int = key("Plain meta-batches before each hard phase.", paper="extension: 10", ge=1)
    tasks: int = key(
        "Hard tasks in each phase, a multiple of `meta_train.tasks`.",
        paper="extension: 10 at 1 shot, 4 at 5 shots; FC100 20 and 10",
        ge=1,
    )


@dataclass(frozen=True, kw_only=True)
class MetaTrainSpec(Settings):
    """The spec of `mtl meta-train`; sections that the method does not use are None.

    `validation` describes the episodes that select the model.
    `queries_together` is as in `EvaluateSpec`: for the stored episodes, not for those of training.
    """

    method: NamedMethod
    network: Network
    batch_norm: str
    queries_together: int | None = None
    way: int
    shot: int
    meta_train: MetaTrain
    hard_tasks: HardTasks | None
    base_learner: TrainingSteps | None
    validation: Stored
    seed: int
    runtime: Runtime
