"""The protocol of a learner. One meta-training loop and one evaluator serve every learner that follows it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from mtl.networks.backbone import Backbone
from mtl.runtime.device import Device
from mtl.specs.methods import Method


class Head(NamedTuple):
    """A linear classifier: `weight` (way, D) and `bias` (way,), or one per task with T in front."""

    weight: torch.Tensor
    bias: torch.Tensor


@dataclass(frozen=True)
class LearnerSetup:
    """What a learner is built from.

    Attributes:
        method: the row of `config/methods.yaml`.
        backbone: the initial Θ.
        head: the initial θ.
        device: decides the dtype of the convolutions.
        batch_norm: statistics of batch norm, `running` or `episode`.
        learning_rate: β, for the mean over the support set; 0 for a learner without inner steps.
        steps: inner steps; 0 for a learner without them.
        first_order: whether the meta-gradient takes the inner gradients as constants.
        seed: of the experiment, for the initial values of a learner's own parameters.
    """

    method: Method
    backbone: Backbone
    head: Head
    device: Device
    batch_norm: str
    learning_rate: float
    steps: int
    first_order: bool
    seed: int

    def options(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """The method's options; `known` is the `OPTIONS` of its learner, for those that the row leaves out."""
        defaults = {name: value[0] if isinstance(value, tuple) else value for name, value in known.items()}
        return {**defaults, **self.method.options}


class Learner(nn.Module, ABC):
    """Maps episodes to query logits, T tasks at a time.

    Support and query images are ordered by class, so all tasks share the same labels.

    Attributes:
        steps: number of inner gradient steps, if it takes any; meta-training sets that of training, the evaluator that
            chosen on validation.
        episodes_at_once: how many episodes to pass to `predict` at a time.
        per_image: whether `embed` treats each image independently, so that an image is embedded only once, however many
            episodes it is in; otherwise the result depends on the image's set.
        separable: whether the loss of a meta-batch is the mean of those of its tasks.
        source_images: how many images of the training classes `see_source` wants before a learner is evaluated.
    """

    steps: int
    episodes_at_once: int
    per_image: bool = True
    separable: bool = True
    source_images: int = 0

    @abstractmethod
    def bank(self, images: torch.Tensor) -> torch.Tensor:
        """Applies the frozen part, once per image: (B, 3, H, W) uint8 to (B, ...)."""

    @abstractmethod
    def embed(self, banked: torch.Tensor) -> torch.Tensor:
        """Applies the part that meta-training may change, without labels: (T, N, ...) to (T, N, ...)."""

    @abstractmethod
    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Adapts to each support set and classifies its queries.

        Args:
            support: (T, S, ...) embedded support images.
            labels: (S,) their labels.
            query: (T, Q, ...) embedded query images.

        Returns:
            Logits (T, Q, way).
        """

    def embed_sets(
        self, support: torch.Tensor, query: torch.Tensor, *, groups: list[int] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeds the support sets (T, S, ...) and query sets (T, Q, ...), together if images are independent.

        If they are not, `groups` are the sizes of the sets that the Q queries of each task consist of, by default one.
        """
        if not self.per_image:
            parts = query.split(groups or [query.shape[1]], dim=1)
            return self.embed(support), torch.cat([self.embed(part) for part in parts], dim=1)
        embedded = self.embed(torch.cat([support, query], dim=1))
        return embedded[:, : support.shape[1]], embedded[:, support.shape[1] :]

    def see_source(self, banked: torch.Tensor) -> None:
        """Takes (N, ...) banked images of training classes, whose features it compares with those of a task."""

    def loss(
        self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The outer loss, a mean cross-entropy over all queries, and the logits (T, Q, way); `targets` is (Q,)."""
        logits = self.predict(support, labels, query)
        return F.cross_entropy(logits.flatten(0, 1), targets.repeat(len(logits))), logits

    def learned(self) -> dict[str, nn.Parameter]:
        """The parameters that meta-training changes, by name."""
        return {name: value for name, value in self.named_parameters() if value.requires_grad}
