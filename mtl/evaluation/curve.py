"""The `curve` stage: one cell's accuracy on the stored test episodes during meta-training (figure 4)."""

from pathlib import Path

import torch

from mtl.evaluation.evaluate import EvaluateInputs, banked_episodes, learner_of
from mtl.evaluation.interval import mean_and_ci95
from mtl.evaluation.scoring import embed_episodes, score
from mtl.learners.build import load_learned_state
from mtl.networks.weights import read_tensors
from mtl.runtime.device import set_up
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record, write_csv
from mtl.runtime.progress import Progress
from mtl.specs.evaluating import EvaluateSpec


def curve(spec: EvaluateSpec, inputs: EvaluateInputs, snapshots: Path, evaluation: Path, output: Path) -> None:
    """Scores each snapshot of what a cell had learned, and writes iteration, accuracy and ci95.

    The number of inner steps is the one that validation chose for the selected model; it is read from `evaluation`.

    Raises:
        UserError: `snapshots` does not come from meta-training.
    """
    device = set_up(**vars(spec.runtime))
    learner = learner_of(spec, inputs, device, read_record(evaluation, "steps"))
    by_iteration = _by_iteration(snapshots)
    banked, episodes = banked_episodes(spec, learner, inputs, "test", device.torch_device)
    rows = []
    with Progress(f"curve of {spec.method.name} {spec.way}way-{spec.shot}shot", len(by_iteration)) as progress:
        for iteration, learned in sorted(by_iteration.items()):
            load_learned_state(learner, learned, snapshots)
            sets = embed_episodes(learner, banked, episodes, spec.queries_together)
            mean, ci95 = mean_and_ci95(score(learner, sets, episodes))
            rows.append((iteration, f"{mean:.4f}", f"{ci95:.4f}"))
            progress.step()
            progress.report(iteration=iteration, accuracy=mean)
    write_csv(output, ["iteration", "accuracy", "ci95"], rows)


def _by_iteration(snapshots: Path) -> dict[int, dict[str, torch.Tensor]]:
    """The learned tensors, by iteration and name."""
    found: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in read_tensors(snapshots).items():
        iteration, _, parameter = name.partition("/")
        if not iteration.isdecimal():
            raise UserError(f"{snapshots}: not the snapshots of a meta-training; delete it and run again")
        found.setdefault(int(iteration), {})[parameter] = value
    return found
