"""The training stages on the tiny network, and what they write."""

import csv
import dataclasses

from mtl.specs.evaluating import EvaluateSpec
from mtl.specs.inner_steps import EvaluationSteps, TrainingSteps
from mtl.specs.meta_training import HardTasks, MetaTrain, MetaTrainSpec
from mtl.specs.pretraining import Pretrain, PretrainSpec
from mtl.training.meta_train import MetaTrainPaths, meta_train
from mtl.training.pretrain import PretrainPaths, pretrain
from tests.helpers.learners import CONV4, NETWORK, RUNTIME, STORED, method

PRETRAIN = Pretrain(
    iterations=6, batch_size=16, optimizer="adam-halving", learning_rate=1e-3, halve_every=4, learning_rate_floor=2e-4,
    weight_decay=0.0, dropout=0.1, crop_padding=1, flip=False, log_every=3,
)  # fmt: skip
META_TRAIN = MetaTrain(
    iterations=6, tasks=2, query=3, theta_start="random", learning_rate=1e-3, halve_every=4, learning_rate_floor=2e-4,
    validate_every=2, selected_iteration=None, snapshots=[],
)  # fmt: skip


def evaluate_spec(name, test_steps, **changed):
    """An evaluation of a method on the tiny network."""
    base_learner = EvaluationSteps(learning_rate=0.05, reduction="mean", test_steps=test_steps)
    spec = EvaluateSpec(
        method=method(name), network=NETWORK, batch_norm="running", way=5, shot=1, base_learner=base_learner,
        flip_support=False, validation=STORED, test=STORED, seed=0, runtime=RUNTIME,
    )  # fmt: skip
    return dataclasses.replace(spec, **changed)


def run_pretrain(tiny, folder, seed=0, network=NETWORK, **changed):
    spec = PretrainSpec(network=network, pretrain=dataclasses.replace(PRETRAIN, **changed), seed=seed, runtime=RUNTIME)
    paths = PretrainPaths(
        tiny / "images.npy", tiny / "split.csv",
        folder / "theta.safetensors", folder / "history.csv", folder / "summary.json",
    )  # fmt: skip
    pretrain(spec, paths)
    return paths


def run_meta_train(tiny, folder, name, selected=None, **changed):
    row = method(name)
    spec = MetaTrainSpec(
        method=row, network=NETWORK if row.pretrained else CONV4, batch_norm="running" if row.pretrained else "episode",
        way=5, shot=1, meta_train=dataclasses.replace(META_TRAIN, selected_iteration=selected, **changed),
        hard_tasks=HardTasks(every=4, tasks=4) if row.meta_batch.startswith("hard") else None, validation=STORED,
        base_learner=TrainingSteps(learning_rate=0.05, reduction="mean", steps=5), seed=0, runtime=RUNTIME,
    )  # fmt: skip
    selecting = "test" if spec.meta_train.select_on == "test" else "val"
    paths = MetaTrainPaths(
        tiny / "images.npy", tiny / "split.csv", tiny / f"{selecting}.npz",
        tiny / "theta.safetensors" if row.pretrained else None,
        folder / "model.safetensors", folder / "snapshots.safetensors", folder / "history.csv",
        folder / "training.json",
    )  # fmt: skip
    meta_train(spec, paths)
    return paths


def read(path):
    return list(csv.DictReader(path.open()))
