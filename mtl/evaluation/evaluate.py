"""The `evaluate` stage: one cell's accuracy on the stored test episodes."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mtl.data.episodes import read_episodes
from mtl.data.image_set import load_split
from mtl.data.tasks import Tasks
from mtl.evaluation.episodes import embed_all, in_batches, score
from mtl.evaluation.statistics import mean_and_ci95
from mtl.learners import Learner, build_learner, load_learned
from mtl.runtime.device import set_up
from mtl.runtime.files import write_json, write_text
from mtl.runtime.progress import Progress
from mtl.runtime.provenance import provenance
from mtl.spec import BaseLearner, EvaluateSpec


@dataclass(frozen=True)
class EvaluateInputs:
    """The files an evaluation reads; `model` is None where nothing was learned."""

    images: Path
    split: Path
    test_episodes: Path
    validation_episodes: Path
    pretrained: Path
    model: Path | None

    def by_role(self) -> dict[str, Path]:
        """Those that exist for this cell, for the provenance."""
        return {role: path for role, path in vars(self).items() if path is not None}


def evaluate(spec: EvaluateSpec, resolved: str, inputs: EvaluateInputs, episodes_csv: Path, evaluation: Path) -> None:
    """Scores a cell and writes the accuracy of every episode, then the summary with its provenance.

    The number of inner steps is the candidate that does best on the validation episodes (the smallest of equals).
    """
    device = set_up(spec.runtime)
    base_learner = BaseLearner(spec.learning_rate, min(spec.test_steps))
    learner = build_learner(spec.method, spec.network, inputs.pretrained, spec.way, base_learner, spec.seed, device)
    if inputs.model is not None:
        load_learned(learner, inputs.model)
    candidates = sorted(spec.test_steps)
    with Progress(f"evaluate {spec.method.name} {spec.way}way-{spec.shot}shot", len(candidates)) as progress:
        validation = _by_steps(learner, inputs, candidates, device.torch_device, progress)
        learner.steps = max(candidates, key=lambda steps: (validation.get(steps, 0.0), -steps))
        accuracies = score(learner, *_load(learner, inputs, "test", inputs.test_episodes, device.torch_device))
        mean, ci95 = mean_and_ci95(accuracies)
        progress.report(steps=learner.steps, accuracy=mean, ci95=ci95)
    write_episode_accuracies(accuracies, episodes_csv)
    write_json(
        evaluation,
        {
            "accuracy": mean,
            "ci95": ci95,
            "episodes": len(accuracies),
            "steps": learner.steps,
            "validation_accuracy_by_steps": validation,
            "provenance": provenance(json.loads(resolved), inputs.by_role(), device),
        },
    )


def write_episode_accuracies(accuracies: np.ndarray, path: Path) -> None:
    """Writes `episodes.csv`: one row an episode, accuracies in percent."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["episode", "accuracy"])
    writer.writerows((episode, f"{accuracy:.6f}") for episode, accuracy in enumerate(accuracies))
    write_text(path, text.getvalue())


def _by_steps(
    learner: Learner, inputs: EvaluateInputs, candidates: list[int], device: torch.device, progress: Progress
) -> dict[int, float]:
    """Mean validation accuracy for each number of inner steps; nothing to compute where there is no choice."""
    if len(candidates) == 1:
        return {}
    embedded, episodes = _load(learner, inputs, "val", inputs.validation_episodes, device)
    accuracy = {}
    for learner.steps in candidates:
        accuracy[learner.steps] = float(score(learner, embedded, episodes).mean())
        progress.step()
        progress.report(steps=learner.steps, validation_accuracy=accuracy[learner.steps])
    return accuracy


def _load(
    learner: Learner, inputs: EvaluateInputs, split: str, episodes: Path, device: torch.device
) -> tuple[torch.Tensor, Tasks]:
    images = load_split(inputs.images, inputs.split, split, device)
    return embed_all(learner, in_batches(learner.bank, images.images)), read_episodes(episodes, images)
