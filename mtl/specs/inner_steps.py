"""Gradient descent within a task (paper, equation 3)."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mtl.specs.declare import Distinct, Settings, Within, key


@dataclass(frozen=True, kw_only=True)
class InnerRate(Settings):
    """The size of a step within a task."""

    learning_rate: float = key(
        "β, the learning rate within a task.", paper="0.01 in the authors' first public code", gt=0
    )
    reduction: Literal["mean", "sum-over-shots"] = key(
        "The loss of a step within a task: the mean cross-entropy of the support set, or its sum divided by the shots, "
        "which is the mean times the classes per task (twice that with mirrored support images).",
        paper="the authors' code: `sum-over-shots`",
    )


@dataclass(frozen=True, kw_only=True)
class TrainingSteps(InnerRate):
    """The steps within a task in meta-training."""

    steps: int = key("Steps in meta-training.", paper="20", ge=0)


@dataclass(frozen=True, kw_only=True)
class EvaluationSteps(InnerRate):
    """The steps within a task in evaluation."""

    test_steps: Annotated[list[Annotated[int, Within(ge=0)]], Distinct()] = key(
        "Candidates for the number of steps at test time; validation chooses one.", min_length=1
    )


@dataclass(frozen=True, kw_only=True)
class Support(Settings):
    """What support sets contain at test time."""

    flip_support: bool = key(
        "Whether support sets at test time also contain the mirror image of each image.",
        paper="the authors' later code: yes",
    )


@dataclass(frozen=True, kw_only=True)
class BaseLearner(Support, EvaluationSteps, TrainingSteps):
    """The section `base_learner` of a config."""
