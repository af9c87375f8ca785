"""Relation Networks (Sung et al. 2018): a network compares the maps of a query with those of each class.

The map of a class is the mean over its shots, where the paper has the sum: then both halves of a pair are of one scale
at any number of shots. The relation module has group norm, where the paper has batch norm: then it makes no scores of a
query depend on other queries, or on other tasks.

Options:
    filters: of the two convolutions of the relation module, a multiple of 8.
"""

import torch
from torch import nn
from torch.nn import functional as F

from mtl.learners.embedding import Embedding
from mtl.learners.labels import one_hot
from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.nearest_mean import class_means
from mtl.runtime.errors import UserError
from mtl.runtime.seeds import torch_generator

KEYS = ("modulate", "scope", "scale", "shift")
OPTIONS = {"filters": 64.0}
INNER_STEPS = False
ANY_WAY = True
WHOLE_QUERY_SETS = True
JOINT = True

# Every pair of a query and a class has a map for each filter, so 600 tasks would take gigabytes.
EPISODES_AT_ONCE = 16
CHANNELS_PER_GROUP = 8
HIDDEN = 8


class RelationModule(nn.Module):
    """Two blocks of convolution, group norm, ReLU and max-pooling; then two linear layers (figure 2)."""

    def __init__(self, channels: int, filters: int, seed: int) -> None:
        """For maps of `channels` channels; a seed draws the initial weights."""
        super().__init__()
        groups = filters // CHANNELS_PER_GROUP
        self.conv1 = nn.Conv2d(2 * channels, filters, 3, padding=1, bias=False)
        self.norm1 = nn.GroupNorm(groups, filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(groups, filters)
        self.hidden = nn.Linear(filters, HIDDEN)
        self.score = nn.Linear(HIDDEN, 1)
        generator = torch_generator(seed, "relation")
        for conv in (self.conv1, self.conv2):
            nn.init.xavier_uniform_(conv.weight, generator=generator)
        # As in the authors' code, but for the last bias: 0 lets scores start at 1/2, where the sigmoid is steepest.
        for linear, bias in ((self.hidden, 1.0), (self.score, 0.0)):
            nn.init.normal_(linear.weight, std=0.01, generator=generator)
            nn.init.constant_(linear.bias, bias)

    def forward(self, classes: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Maps (T, way, C, H, W) and (T, Q, C, H, W) to scores (T, Q, way), before the sigmoid."""
        # A convolution of two maps together is the sum of one of each: way + Q of them, not way times Q.
        weights = self.conv1.weight.chunk(2, dim=1)
        ours, theirs = (
            F.conv2d(maps.flatten(0, 1), weight, padding=1).unflatten(0, maps.shape[:2])
            for maps, weight in zip((classes, query), weights, strict=True)
        )
        pairs = ours.unsqueeze(1) + theirs.unsqueeze(2)
        x = self._activated(self.norm1(pairs.flatten(0, 2)))
        x = self._activated(self.norm2(self.conv2(x))).mean(dim=(2, 3))
        scores: torch.Tensor = self.score(F.relu(self.hidden(x)))
        return scores.view(pairs.shape[:3])

    def _activated(self, x: torch.Tensor) -> torch.Tensor:
        # Rounded up, so that a map of one position stays as it is, and no row of an odd one is lost.
        return F.max_pool2d(F.relu(x), 2, ceil_mode=True)


class Relation(Embedding):
    """Meta-training learns what to compare as well as how."""

    joint = JOINT
    pooled = False

    def __init__(self, setup: LearnerSetup) -> None:
        """Adds the relation module."""
        super().__init__(setup)
        self.episodes_at_once = EPISODES_AT_ONCE
        filters = setup.options(OPTIONS)["filters"]
        if filters <= 0 or filters % CHANNELS_PER_GROUP:
            raise UserError(f"options.filters: {filters:g} is not a multiple of {CHANNELS_PER_GROUP}")
        channels = setup.backbone.blocks[-1].convs[-1].out_channels  # type: ignore[index, union-attr]
        self.theta_relation = RelationModule(channels, int(filters), setup.seed)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Scores (T, Q, way), before the sigmoid (equation 1)."""
        scores: torch.Tensor = self.theta_relation(class_means(support, labels), query)
        return scores

    def loss(
        self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean squared error of the scores (equation 2), and the logits (T, Q, way)."""
        logits = self.predict(support, labels, query)
        wanted = one_hot(targets, logits.shape[2]).to(logits.dtype)
        return (logits.sigmoid() - wanted).square().mean(), logits


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return Relation(setup)
