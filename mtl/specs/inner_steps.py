"""Gradient descent within a task (paper, equation 3)."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mtl.specs.declare import Distinct, Settings, Within, key


@dataclass(frozen=True, kw_only=True)
class InnerRate(Settings):
    """How far a step within a task goes."""

    learning_rate: float = key("β, the learning rate within a task.", paper="the authors' first code: 0.01", gt=0)
    reduction: Literal["mean", "sum-over-shots"] = key(
        "What a step within a task descends: the mean cross-entropy of the support set, or its sum divided by the "
        "shots, which is `way` times the mean, and twice that with mirrored support images.",
        paper="the authors' code: `sum-over-shots`",
    )


@dataclass(frozen=True, kw_only=True)
class TrainingSteps(InnerRate):
    """What meta-training is told of the steps within a task."""

    steps: int = key("Steps in meta-training.", paper="20", ge=0)


@dataclass(frozen=True, kw_only=True)
class EvaluationSteps(InnerRate):
    """What evaluation is told of the steps within a task."""

    test_steps: Annotated[list[Annotated[int, Within(ge=0)]], Distinct()] = key(
        "Candidates for the number of steps at test; validation chooses.", min_length=1
    )


@dataclass(frozen=True, kw_only=True)
class Support(Settings):
    """What a support set holds at test."""

    flip_support: bool = key(
        "Whether support sets at test also hold the mirror image of each of their images.",
        paper="the authors' later code: yes",
    )


@dataclass(frozen=True, kw_only=True)
class BaseLearner(Support, EvaluationSteps, TrainingSteps):
    """The section `base_learner` of a config."""
