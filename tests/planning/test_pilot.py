"""What a job is said to cost, beside what the same stage takes."""

import dataclasses
import time

import pytest

from mtl.planning import pilot
from mtl.planning.dry_run import Job, jobs_of
from mtl.specs.drawing import Stored
from mtl.specs.inner_steps import TrainingSteps
from mtl.specs.meta_training import MetaTrainSpec
from mtl.specs.pretraining import PretrainSpec
from tests.helpers.learners import ALL_METHODS, CONV4, NETWORK, RUNTIME, STORED, method
from tests.helpers.stages import META_TRAIN, PRETRAIN, evaluate_spec, run_meta_train, run_pretrain

IMAGES = pilot.Images(240, 120, 120)


@pytest.fixture(autouse=True)
def briefly(monkeypatch):
    monkeypatch.setattr(pilot, "LEAST", 0.02)


def meta_train_spec(name, **changed):
    row = method(name)
    return MetaTrainSpec(
        method=row, network=NETWORK if row.pretrained else CONV4, batch_norm="running" if row.pretrained else "episode",
        way=5, shot=1, meta_train=dataclasses.replace(META_TRAIN, **changed), hard_tasks=None, validation=STORED,
        base_learner=TrainingSteps(learning_rate=0.05, reduction="mean", steps=5), seed=0, runtime=RUNTIME,
    )  # fmt: skip


@pytest.mark.parametrize("name", ALL_METHODS)
def test_every_method_is_measured(name):
    row = method(name)
    changed = {} if row.pretrained else {"network": CONV4, "batch_norm": "episode"}
    spec = evaluate_spec(name, [5, 10], **changed)
    assert pilot.evaluation(spec, IMAGES).seconds > 0
    assert pilot.curve(spec, IMAGES, 3).seconds > 0
    if row.meta_trained:
        cost = pilot.meta_training(meta_train_spec(name, snapshots=[0, 6]), IMAGES)
        assert cost.seconds > 0
        assert cost.bytes % 12 == 0


@pytest.mark.parametrize("flip", [False, True])
def test_sets_that_matter_and_mirrored_support_are_measured(flip):
    spec = evaluate_spec("ss-all", [5, 10], batch_norm="episode", flip_support=flip)
    assert pilot.evaluation(spec, IMAGES).seconds > 0


def test_cost_grows_with_the_work():
    few, many = (evaluate_spec("update-all", [5], test=Stored(count=count, query=3)) for count in (20, 200))
    assert 3 < pilot.evaluation(many, IMAGES).seconds / pilot.evaluation(few, IMAGES).seconds < 30


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pretrain", "ss-all", "maml"])
def test_it_is_what_the_stage_takes_within_a_factor_of_two(tiny, tmp_path, name):
    def short_and_long(run):
        """The first run pays for what is imported."""
        times = []
        for iterations in (10, 10, 110):
            start = time.perf_counter()
            run(iterations, tmp_path / f"{len(times)}")
            times.append(time.perf_counter() - start)
        return times[2] - times[1]

    if name == "pretrain":
        taken = short_and_long(lambda n, folder: run_pretrain(tiny, folder, iterations=n, log_every=1000))
        settings = dataclasses.replace(PRETRAIN, iterations=100, log_every=1000)
        said = pilot.pretraining(
            PretrainSpec(network=NETWORK, pretrain=settings, seed=0, runtime=RUNTIME), IMAGES
        ).seconds
    else:
        taken = short_and_long(lambda n, folder: run_meta_train(tiny, folder, name, iterations=n, validate_every=1000))
        said = pilot.meta_training(meta_train_spec(name, iterations=100, validate_every=1000), IMAGES).seconds
    assert taken / 2 < said < taken * 2


def test_the_commands_of_a_dry_run_are_understood():
    shown = """Job 3: meta-training ss-all on glyphs, 5-way 1-shot
Shell command: [ 1 != 0 ] || export CUDA_VISIBLE_DEVICES=; mtl meta-train \
--spec '{"note": "2>&1 | x"}' --images i.npy  --model \
--odd --test spec 2>&1 | (trap '' INT TERM; exec tee log) || { code=$?; echo "mtl: error"; exit $code; }
Shell command: mtl split --classes a.csv --folder= --output b.csv 2>&1 | (exec tee log)
"""
    assert jobs_of(shown) == [
        Job("meta_train", {"note": "2>&1 | x"}, {"images": "i.npy", "model": "--odd", "test": "spec"}),
        Job("split", {}, {"classes": "a.csv", "output": "b.csv"}),
    ]
