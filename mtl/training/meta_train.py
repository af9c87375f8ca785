"""The `meta-train` stage: the outer loop over tasks (paper, algorithm 1), with or without the hard-task meta-batch."""

from dataclasses import dataclass
from pathlib import Path

import torch

from mtl.data.image_set import ImageSet, load_split
from mtl.data.stored_episodes import read_episodes
from mtl.data.task_samplers import TaskSampler, build_sampler
from mtl.data.tasks import Tasks, TaskShape
from mtl.evaluation.scoring import bank, embed_episodes, score
from mtl.learners import Learner, build_learner
from mtl.learners.build import InnerLoop
from mtl.networks.weights import save_tensors
from mtl.runtime.device import Device, set_up
from mtl.runtime.errors import UserError
from mtl.runtime.files import write_json
from mtl.runtime.memory import Parts
from mtl.runtime.progress import Progress
from mtl.runtime.provenance import outputs, provenance
from mtl.runtime.seeds import numpy_generator
from mtl.specs.meta_training import MetaTrainSpec
from mtl.specs.reading import to_plain
from mtl.specs.stages import entry_points
from mtl.training.checkpoint import Checkpoint, State, finished
from mtl.training.history import History
from mtl.training.meta_step import MetaStep
from mtl.training.schedules import halved
from mtl.training.selection import Selection, copy_of


@dataclass(frozen=True)
class MetaTrainPaths:
    """What meta-training reads and writes; `validation_episodes` are those that select the model."""

    images: Path
    split: Path
    validation_episodes: Path
    pretrained: Path | None
    model: Path
    snapshots: Path
    history: Path
    summary: Path

    def inputs(self) -> dict[str, Path]:
        """The files it reads, by role."""
        read = {"images": self.images, "split": self.split, "validation_episodes": self.validation_episodes}
        return read if self.pretrained is None else {**read, "pretrained": self.pretrained}


def meta_train(spec: MetaTrainSpec, paths: MetaTrainPaths) -> None:
    """Meta-trains a learner and writes what it had learned when its validation accuracy was best.

    What it had learned at the iterations in `meta_train.snapshots` goes to `paths.snapshots`, as `iteration/name`.
    """
    device = set_up(**vars(spec.runtime))
    learner = learner_to_train(spec, paths.pretrained, device)
    if not learner.learned():
        raise UserError(
            f"config/methods.yaml: {spec.method.name}.meta_batch: {spec.method.meta_batch!r}, but this method has "
            "nothing to learn; write none, or open Θ by modulate and scope"
        )
    train = load_split(paths.images, paths.split, "train", device.torch_device)
    selecting = "test" if spec.meta_train.select_on == "test" else "val"
    validation = load_split(paths.images, paths.split, selecting, device.torch_device)
    episodes = read_episodes(paths.validation_episodes, validation, spec.validation)
    banked = bank(learner, validation.images)
    entries = entry_points("meta_train", spec.network.name, learner=spec.method.learner)
    record = provenance(to_plain(spec), paths.inputs(), device, *entries)
    with Checkpoint(paths.model.with_name(".meta-train.checkpoint"), record) as checkpoint:
        if finished(paths.summary, record):
            return
        history, selection, snapshots = _run(spec, device, learner, train, banked, episodes, checkpoint)
        _write(paths, history, selection, snapshots, record)


def learner_to_train(spec: MetaTrainSpec, pretrained: Path | None, device: Device) -> Learner:
    """The learner of a cell before its meta-training."""
    inner_loop = None
    if (inner := spec.base_learner) is not None:
        inner_loop = InnerLoop(inner, inner.steps, first_order=inner.order == "first")
    return build_learner(
        spec.method,
        spec.network,
        spec.batch_norm,
        pretrained,
        spec.way,
        inner_loop,
        spec.seed,
        device,
        theta_start=spec.meta_train.theta_start,
    )


def _write(
    paths: MetaTrainPaths, history: History, selection: Selection, snapshots: dict[str, torch.Tensor], record: State
) -> None:
    assert selection.learned is not None  # noqa: S101 - some iteration was considered
    save_tensors(selection.learned, paths.model)
    save_tensors(snapshots, paths.snapshots)
    history.write(paths.history)
    write_json(
        paths.summary,
        {
            "selected_iteration": selection.iteration,
            "validation_accuracy": selection.accuracy,
            "learned_parameters": sum(value.numel() for value in selection.learned.values()),
            "outputs": outputs(paths.model, paths.snapshots, paths.history),
            "provenance": record,
        },
    )


def _run(
    spec: MetaTrainSpec,
    device: Device,
    learner: Learner,
    train: ImageSet,
    validation: torch.Tensor,
    episodes: Tasks,
    checkpoint: Checkpoint,
) -> tuple[History, Selection, dict[str, torch.Tensor]]:
    settings = spec.meta_train
    history = History()
    snapshots: dict[str, torch.Tensor] = {}
    selection = Selection(settings.fixed_iteration)
    sampler = _sampler(spec, train)
    banked = bank(learner, train.images)
    step = MetaStep(learner, _shape(spec), device.torch_device)
    start = 0
    if (state := checkpoint.restore()) is not None:
        start = state["iteration"]
        snapshots = state["snapshots"]
        learner.load_state_dict(state["learned"], strict=False)
        step.optimizer.load_state_dict(state["optimizer"])
        step.parts = Parts(at_once, "tasks") if (at_once := state["tasks_at_once"]) else None
        sampler.restore(state["sampler"])
        history.restore(state["history"])
        selection = Selection(**state["selection"])

    def current() -> State:
        return {
            "iteration": iteration,
            "snapshots": snapshots,
            "learned": copy_of(learner),
            "optimizer": step.optimizer.state_dict(),
            "tasks_at_once": step.parts.at_once if step.parts else None,
            "sampler": sampler.state(),
            "history": history.state(),
            "selection": vars(selection),
        }

    with Progress(f"{spec.method.name} {spec.way}way-{spec.shot}shot", settings.iterations, start) as progress:
        for iteration in range(start, settings.iterations + 1):
            checkpoint.offer(current)
            if iteration in settings.snapshots:
                snapshots |= {f"{iteration}/{name}": value for name, value in copy_of(learner).items()}
            considered = (settings.iterations, settings.fixed_iteration)
            if iteration % settings.validate_every == 0 or iteration in considered:
                history.check()
                sets = embed_episodes(learner, validation, episodes, spec.queries_together)
                accuracy = float(score(learner, sets, episodes).mean())
                history.validated(iteration, accuracy)
                selection.consider(iteration, accuracy, learner)
                progress.report(**history.recent(settings.validate_every), validation_accuracy=accuracy)
            if iteration == settings.iterations:
                break
            phase, tasks = sampler.draw()
            rate = halved(settings, iteration)
            loss, class_accuracy = step(banked, tasks, rate)
            # Fetching accuracies waits for the GPU.
            failed = sampler.observe(class_accuracy.cpu().numpy()) if sampler.listens else []
            history.trained((iteration + 1) * settings.tasks, phase, loss, class_accuracy.mean(), rate, failed)
            progress.step()
    return history, selection, snapshots


def _sampler(spec: MetaTrainSpec, train: ImageSet) -> TaskSampler:
    rngs = (numpy_generator(spec.seed, "plain tasks"), numpy_generator(spec.seed, "hard tasks"))
    meta_batch = spec.method.meta_batch
    return build_sampler(meta_batch, train.rows_by_class, _shape(spec), spec.meta_train.tasks, spec.hard_tasks, rngs)


def _shape(spec: MetaTrainSpec) -> TaskShape:
    return TaskShape(spec.meta_train.way or spec.way, spec.shot, spec.meta_train.query)
