"""The spec of `mtl evaluate` and `mtl curve`."""

from dataclasses import dataclass

from mtl.specs.computing import Runtime
from mtl.specs.declare import Settings
from mtl.specs.drawing import Stored
from mtl.specs.inner_steps import EvaluationSteps
from mtl.specs.methods import NamedMethod
from mtl.specs.networks import Network


@dataclass(frozen=True, kw_only=True)
class EvaluateSpec(Settings):
    """One cell to evaluate; `base_learner` is None for a learner without inner steps.

    `queries_together` is None if all queries of a task share the statistics of batch norm, or need none.
    """

    method: NamedMethod
    network: Network
    batch_norm: str
    queries_together: int | None = None
    way: int
    shot: int
    base_learner: EvaluationSteps | None
    flip_support: bool
    validation: Stored
    test: Stored
    seed: int
    runtime: Runtime
