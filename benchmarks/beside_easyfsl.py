"""Prototypical and Matching Networks beside easyfsl, on the same embedded episodes.

    pip install --no-deps --target FOLDER easyfsl
    PYTHONPATH=FOLDER python -m benchmarks.beside_easyfsl [--threads 1] [--csv FILE]

easyfsl is no dependency. Its classifiers take one episode at a time; predictions must be the same as ours. Its Matching
Network has neither a temperature nor a normalised query: here its encoders leave supports as they are, and its queries
are the unit vectors of ours times the temperature.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch
from easyfsl.methods import MatchingNetworks, PrototypicalNetworks
from torch import nn
from torch.nn import functional as F

from benchmarks.timing import Comparison
from mtl.data.tasks import labels
from mtl.learners.matching import matched
from mtl.learners.nearest_mean import nearest_mean
from mtl.runtime.files import write_text

EPISODES, WAY, QUERY, DIMENSIONS, TEMPERATURE = 600, 5, 15, 192, 10.0
Predict = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class AsTheyAre(nn.Module):
    """Supports that see no other support."""

    def forward(self, supports: torch.Tensor) -> tuple[torch.Tensor, None]:
        """What a bidirectional LSTM of zeros adds."""
        return torch.zeros(*supports.shape[:2], 2 * supports.shape[2]), None


class NoChange(nn.Module):
    """Queries that see no support."""

    def forward(
        self, inputs: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The state that an LSTM cell of zeros ends in."""
        return torch.zeros_like(state[0]), state[1]


def main() -> None:
    """Compares predictions, then times both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--csv", type=Path, help="where to write the table")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    prototypes = PrototypicalNetworks(nn.Identity())
    matching = MatchingNetworks(
        nn.Identity(), feature_dimension=DIMENSIONS, support_encoder=AsTheyAre(), query_encoder=NoChange()
    )
    lines = []
    for shot in (1, 5):
        episodes = embedded(shot)
        lines.append(compared("nearest class mean", shot, episodes, nearest_mean, one_by_one(prototypes)))
        lines.append(compared("matching", shot, episodes, ours_matched, one_by_one(matching, TEMPERATURE)))
    if options.csv:
        write_text(options.csv, pd.DataFrame(lines).to_csv(index=False, lineterminator="\n", float_format="%.4g"))


def embedded(shot: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features of episodes: of a class around a mean of its own, and all in nearly one direction, as after a ReLU."""
    generator = torch.Generator().manual_seed(0)
    means = 1 + 0.3 * torch.randn(EPISODES, WAY, 1, DIMENSIONS, generator=generator)
    support, query = (
        (means + torch.randn(EPISODES, WAY, count, DIMENSIONS, generator=generator)).clamp_min(0).flatten(1, 2)
        for count in (shot, QUERY)
    )
    return support, torch.from_numpy(labels(WAY, shot)), query


def ours_matched(support: torch.Tensor, support_labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """Our matching by cosine."""
    similarities = F.normalize(query, dim=2) @ F.normalize(support, dim=2).transpose(1, 2)
    return matched(TEMPERATURE * similarities, support_labels)


def one_by_one(classifier: nn.Module, scale: float = 0.0) -> Predict:
    """Their classifier, episode by episode; with a scale, queries are unit vectors times it."""

    @torch.no_grad()
    def predict(support: torch.Tensor, support_labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        scores = []
        for shots, queries in zip(support, query, strict=True):
            classifier.process_support_set(shots, support_labels)  # type: ignore[operator]
            scores.append(classifier(scale * F.normalize(queries, dim=1) if scale else queries))
        return torch.stack(scores)

    return predict


def compared(
    name: str, shot: int, episodes: tuple[torch.Tensor, torch.Tensor, torch.Tensor], ours: Predict, theirs: Predict
) -> dict[str, object]:
    """One line: the share of predictions that are the same, and the ratio of times."""
    same = (ours(*episodes).argmax(dim=2) == theirs(*episodes).argmax(dim=2)).double().mean().item()
    scale = f"{EPISODES} episodes, {shot}-shot, {DIMENSIONS} features"
    line = Comparison(name, scale, lambda: ours(*episodes), "easyfsl", lambda: theirs(*episodes), 7).measure()
    sys.stdout.write(f"{line.ratio:8.3f}  {name}, {scale}, over easyfsl; {100 * same:.3f} % of predictions agree\n")
    return {**asdict(line), "same_predictions": same}


if __name__ == "__main__":
    main()
