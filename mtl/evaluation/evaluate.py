"""The `evaluate` stage: one cell's accuracy on the stored test episodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mtl.data.image_set import load_split
from mtl.data.stored_episodes import read_episodes
from mtl.data.tasks import Tasks, with_mirrored_support
from mtl.evaluation.interval import mean_and_ci95
from mtl.evaluation.scoring import accuracies, bank, embed_episodes, predictions
from mtl.learners import Learner, build_learner, load_learned
from mtl.learners.build import InnerLoop
from mtl.runtime.device import Device, set_up
from mtl.runtime.errors import UserError
from mtl.runtime.files import atomic, write_csv, write_json
from mtl.runtime.progress import Progress
from mtl.runtime.provenance import outputs, provenance
from mtl.runtime.seeds import numpy_generator
from mtl.specs.evaluating import EvaluateSpec
from mtl.specs.reading import to_plain
from mtl.specs.stages import entry_points

REPORT_EVERY = 100  # episodes


@dataclass(frozen=True)
class EvaluateInputs:
    """The files an evaluation reads; None if nothing was pre-trained or learned, or there is nothing to choose."""

    images: Path
    split: Path
    test_episodes: Path
    validation_episodes: Path | None
    pretrained: Path | None
    model: Path | None

    def by_role(self) -> dict[str, Path]:
        """The files that exist for this cell, by role, for the provenance."""
        return {role: path for role, path in vars(self).items() if path is not None}


@dataclass(frozen=True)
class EvaluatePaths:
    """What an evaluation writes: the accuracy of every episode, the label of every query, and the summary."""

    episodes: Path
    predictions: Path
    evaluation: Path


def evaluate(spec: EvaluateSpec, inputs: EvaluateInputs, paths: EvaluatePaths) -> None:
    """Scores a cell and writes the accuracy of every episode and its predictions, then the summary with its provenance.

    The number of inner steps is the candidate that does best on the validation episodes (the smallest in a tie). A
    learner without inner steps has nothing to choose, is scored once, and its summary says `null` steps.
    """
    device = set_up(**vars(spec.runtime))
    entries = entry_points("evaluate", spec.network.name, learner=spec.method.learner)
    record = provenance(to_plain(spec), inputs.by_role(), device, *entries)
    learner = learner_of(spec, inputs, device)
    if inputs.model is not None:
        load_learned(learner, inputs.model)
    validation = _choose_steps(spec, learner, inputs, device.torch_device)
    steps = learner.steps if spec.base_learner else None
    predicted = _predictions(spec, learner, inputs, "test", [steps], device.torch_device)[steps]
    by_episode = accuracies(predicted, spec.way)
    mean, ci95 = mean_and_ci95(by_episode)
    write_episode_accuracies(by_episode, paths.episodes)
    write_predictions(predicted, paths.predictions)
    write_json(
        paths.evaluation,
        {
            "accuracy": mean,
            "ci95": ci95,
            "episodes": len(by_episode),
            "steps": steps,
            "validation_accuracy_by_steps": validation,
            "outputs": outputs(paths.episodes, paths.predictions),
            "provenance": record,
        },
    )


def learner_of(spec: EvaluateSpec, inputs: EvaluateInputs, device: Device, steps: int | None = None) -> Learner:
    """The learner of a cell, without what it learned; `steps` defaults to the fewest of the candidates."""
    learner = learner_to_evaluate(spec, inputs.pretrained, device, steps)
    if learner.source_images:
        _show_source(spec, learner, inputs, device.torch_device)
    return learner


def learner_to_evaluate(
    spec: EvaluateSpec, pretrained: Path | None, device: Device, steps: int | None = None
) -> Learner:
    """The same before it has seen images of training classes."""
    inner_loop = None
    if spec.base_learner is not None:
        fewest = min(spec.base_learner.test_steps)
        inner_loop = InnerLoop(spec.base_learner, fewest if steps is None else steps, spec.flip_support)
    return build_learner(
        spec.method, spec.network, spec.batch_norm, pretrained, spec.way, inner_loop, spec.seed, device
    )


def _show_source(spec: EvaluateSpec, learner: Learner, inputs: EvaluateInputs, device: torch.device) -> None:
    images = load_split(inputs.images, inputs.split, "train", device).images
    shuffled = numpy_generator(spec.seed, "source images").permutation(len(images))
    chosen = torch.from_numpy(shuffled[: learner.source_images]).to(device)
    learner.see_source(bank(learner, images[chosen]))


def write_episode_accuracies(accuracies: np.ndarray, path: Path) -> None:
    """Writes `episodes.csv`: one row per episode, accuracies in percent."""
    rows = ((episode, f"{accuracy:.6f}") for episode, accuracy in enumerate(accuracies))
    write_csv(path, ["episode", "accuracy"], rows)


def write_predictions(predicted: np.ndarray, path: Path) -> None:
    """Writes `predictions.npz`, with `predicted`: (E, Q) labels, 0 to way - 1, of the queries as they are stored."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, predicted=predicted.astype(np.uint16))


def _choose_steps(
    spec: EvaluateSpec, learner: Learner, inputs: EvaluateInputs, device: torch.device
) -> dict[int, float]:
    """Sets the learner's inner steps and returns the validation accuracies that chose them, if there was a choice."""
    if spec.base_learner is None:
        return {}
    candidates = sorted(spec.base_learner.test_steps)
    reached: dict[int, float] = {}
    if len(candidates) > 1:
        predicted = _predictions(spec, learner, inputs, "val", candidates, device)
        reached = {steps: float(accuracies(predicted[steps], spec.way).mean()) for steps in candidates}
    learner.steps = max(candidates, key=lambda steps: (reached.get(steps, 0.0), -steps))
    return reached


def banked_episodes(
    spec: EvaluateSpec, learner: Learner, inputs: EvaluateInputs, split: str, device: torch.device
) -> tuple[torch.Tensor, Tasks]:
    """The banked images of a split and its stored episodes, with mirrored support images if the spec asks for them."""
    images = load_split(inputs.images, inputs.split, split, device)
    stored = inputs.test_episodes if split == "test" else inputs.validation_episodes
    if stored is None:
        raise UserError(f"--{split}-episodes: missing")
    episodes = read_episodes(stored, images, spec.test if split == "test" else spec.validation)
    pixels = images.images
    if spec.flip_support:
        episodes = with_mirrored_support(episodes, len(pixels))
        pixels = torch.cat([pixels, pixels.flip(3)])
    return bank(learner, pixels), episodes


def _predictions(
    spec: EvaluateSpec,
    learner: Learner,
    inputs: EvaluateInputs,
    split: str,
    candidates: Sequence[int | None],
    device: torch.device,
) -> dict[int | None, np.ndarray]:
    """The predictions for a split's stored episodes at each number of inner steps; None if the learner takes none."""
    banked, episodes = banked_episodes(spec, learner, inputs, split, device)
    sets = embed_episodes(learner, banked, episodes, spec.queries_together)
    predicted = {}
    name = f"{spec.method.name} {spec.way}way-{spec.shot}shot, {split} episodes"
    with Progress(name, len(candidates) * len(episodes.classes)) as progress:

        def solved(count: int) -> None:
            progress.step(count)
            if progress.done % REPORT_EVERY == 0 and progress.done % len(episodes.classes):
                progress.report()

        for steps in candidates:
            if steps is not None:
                learner.steps = steps
            predicted[steps] = predictions(learner, sets, episodes, solved)
            made = {} if steps is None else {"steps": steps}
            progress.report(**made, accuracy=float(accuracies(predicted[steps], spec.way).mean()))
    return predicted
