"""Whole stages: which data they may touch, what they keep, and what selects it."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import mtl.evaluation.evaluate as evaluate_stage
import mtl.training.meta_train as meta_stage
import mtl.training.pretrain as pretrain_stage
from mtl.data.image_set import load_split
from mtl.data.stored_episodes import read_episodes
from mtl.data.tasks import TaskShape, draw_uniform
from mtl.evaluation.evaluate import EvaluateInputs, EvaluatePaths, evaluate
from mtl.evaluation.scoring import embed_episodes, score
from mtl.learners import load_learned
from mtl.networks.weights import save_tensors
from mtl.specs.drawing import Stored
from mtl.training.meta_step import MetaStep
from tests.helpers.learners import CPU, STORED, build
from tests.helpers.stages import evaluate_spec, read, run_meta_train, run_pretrain

SPEC = evaluate_spec("ss-all", [1, 20])


@pytest.fixture
def loaded(monkeypatch):
    """The splits that a stage loads, in order."""
    names = []

    def spy(images, split_csv, split, device):
        names.append(split)
        return load_split(images, split_csv, split, device)

    for stage in (evaluate_stage, meta_stage, pretrain_stage):
        monkeypatch.setattr(stage, "load_split", spy)
    return names


def evaluation_paths(folder):
    return EvaluatePaths(folder / "episodes.csv", folder / "predictions.npz", folder / "evaluation.json")


def run_evaluate(tiny, folder, spec=SPEC, model=None, test_episodes="test.npz"):
    inputs = EvaluateInputs(
        tiny / "images.npy", tiny / "split.csv", tiny / test_episodes, tiny / "val.npz",
        tiny / "theta.safetensors", model,
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    evaluate(spec, inputs, evaluation_paths(folder))
    return pd.read_csv(folder / "episodes.csv")["accuracy"].to_numpy(), json.loads(
        (folder / "evaluation.json").read_text()
    )


def test_class_accuracies_of_a_meta_step_equal_a_loop(tiny, train_images):
    learner = build(tiny, "ss-all")
    kept = []
    loss = learner.loss
    learner.loss = lambda *arguments: kept.append(loss(*arguments)) or kept[-1]
    tasks = draw_uniform(train_images.rows_by_class, TaskShape(5, 1, 3), 2, np.random.default_rng(0))
    _, accuracy = MetaStep(learner, TaskShape(5, 1, 3), CPU.torch_device)(train_images.images, tasks, 0.0)
    predicted = kept[-1][1].argmax(dim=-1)
    for task in range(2):
        for label in range(5):
            right = [int(predicted[task, 3 * label + query]) == label for query in range(3)]
            assert accuracy[task, label].item() == pytest.approx(sum(right) / 3)


def test_the_sampler_hears_of_the_tasks_it_drew_last(tiny, train_images, monkeypatch, tmp_path):
    """Not of earlier ones, as in the published code, whose accuracies were stale."""
    drawn, heard = [], []
    build = meta_stage._sampler

    class Spy:
        def __init__(self, *arguments):
            self.inner = build(*arguments)

        def draw(self):
            drawn.append(self.inner.draw())
            return drawn[-1]

        listens = True

        def observe(self, accuracy):
            heard.append((len(drawn), accuracy.copy()))
            return self.inner.observe(accuracy)

    made = []
    step = MetaStep.__call__

    def spy_step(self, banked, tasks, rate):
        result = step(self, banked, tasks, rate)
        made.append((tasks, result[1].numpy().copy()))
        return result

    monkeypatch.setattr(meta_stage, "_sampler", Spy)
    monkeypatch.setattr(MetaStep, "__call__", spy_step)
    run_meta_train(tiny, tmp_path, "ss-all-ht", iterations=14, validate_every=14)
    assert [count for count, _ in heard] == list(range(1, 15))
    for (_, tasks), (_, accuracy), (trained_on, measured) in zip(drawn, heard, made, strict=True):
        assert tasks is trained_on
        assert np.array_equal(accuracy, measured)


def test_hard_tasks_of_a_real_run_are_made_of_its_failures(tiny, monkeypatch, tmp_path):
    cycle, hard_meta_batches = {"failed": set()}, 0
    step = MetaStep.__call__

    def spy_step(self, banked, tasks, rate):
        result = step(self, banked, tasks, rate)
        log.append((tasks, result[1].numpy().copy()))
        return result

    log = []
    monkeypatch.setattr(MetaStep, "__call__", spy_step)
    history = read(run_meta_train(tiny, tmp_path, "ss-all-ht", iterations=40, validate_every=40).history)
    for (tasks, accuracy), line in zip(log, history[:-1], strict=True):
        if line["phase"] == "hard":
            hard_meta_batches += 1
            assert line["failed"] == ""
            assert set(tasks.classes.ravel().tolist()) <= cycle["failed"]
            cycle["ended"] = True
        else:
            if cycle.pop("ended", False):
                cycle["failed"] = set()
            worst = accuracy.argmin(axis=1)
            assert line["failed"] == " ".join(map(str, tasks.classes[np.arange(len(worst)), worst]))
            cycle["failed"].update(tasks.classes[np.arange(2), worst].tolist())
    assert hard_meta_batches >= 2


def test_the_stored_model_is_the_selected_one(tiny, monkeypatch, tmp_path):
    """Accuracies fall, rise and fall; the model of iteration 2 must be kept, neither the untrained nor the last one."""
    states, accuracies = [], iter([40.0, 30.0, 20.0, 20.0])

    def fake_score(learner, sets, episodes):
        states.append({name: value.detach().clone() for name, value in learner.learned().items()})
        return np.array([next(accuracies)])

    monkeypatch.setattr(meta_stage, "score", fake_score)
    paths = run_meta_train(tiny, tmp_path, "ss-all")
    summary = json.loads(paths.summary.read_text())
    assert (summary["selected_iteration"], summary["validation_accuracy"]) == (2, 30.0)
    stored = load_file(paths.model)
    assert all(torch.equal(stored[name], states[1][name]) for name in stored)
    assert not all(torch.equal(stored[name], states[-1][name]) for name in stored)


@pytest.mark.parametrize("name", ["ss-all", "ss-all-ht"])
def test_what_follows_the_iteration_that_is_kept_changes_nothing(tiny, tmp_path, name):
    """Neither its learning rates nor its tasks depend on how many follow; hard tasks come from iteration 4 on."""
    kept = []
    for iterations, every in ((6, 6), (9, 2)):
        folder = tmp_path / f"{iterations}"
        folder.mkdir()
        paths = run_meta_train(tiny, folder, name, selected=6, iterations=iterations, validate_every=every)
        kept.append(paths.model.read_bytes())
    assert kept[0] == kept[1]


@pytest.mark.parametrize(("selected", "kept"), [("last", 3), (2, 1)])
def test_a_model_can_be_fixed_whatever_its_accuracy(tiny, monkeypatch, tmp_path, selected, kept):
    states, accuracies = [], iter([40.0, 30.0, 50.0, 20.0])

    def fake_score(learner, sets, episodes):
        states.append({name: value.detach().clone() for name, value in learner.learned().items()})
        return np.array([next(accuracies)])

    monkeypatch.setattr(meta_stage, "score", fake_score)
    paths = run_meta_train(tiny, tmp_path, "ss-all", selected=selected)
    stored = load_file(paths.model)
    assert all(torch.equal(stored[name], states[kept][name]) for name in stored)
    assert json.loads(paths.summary.read_text())["selected_iteration"] == 2 * kept


def test_accuracies_are_those_of_the_predictions_that_are_kept(tiny, tmp_path):
    by_episode, _ = run_evaluate(tiny, tmp_path / "a")
    predicted = np.load(tmp_path / "a" / "predictions.npz")["predicted"]
    stored = np.load(tiny / "test.npz")
    query = stored["query"].shape[1] // 5
    assert predicted.shape == stored["query"].shape
    for labels, accuracy in zip(predicted, by_episode, strict=True):
        right = sum(label == place // query for place, label in enumerate(labels))
        assert accuracy == pytest.approx(100 * right / len(labels), abs=1e-5)


def test_test_episodes_select_if_they_are_asked_to(tiny, loaded, tmp_path):
    """What the stage then calls validation accuracy is the test accuracy of the model that it keeps."""
    paths = run_meta_train(tiny, tmp_path, "ss-all", select_on="test")
    assert loaded == ["train", "test"]
    said = json.loads(paths.summary.read_text())["validation_accuracy"]
    accuracies, _ = run_evaluate(tiny, tmp_path / "a", evaluate_spec("ss-all", [5]), paths.model)
    assert said == pytest.approx(accuracies.mean(), abs=1e-4)


def test_meta_training_selects_on_validation_and_trains_on_training_classes(tiny, loaded, monkeypatch, tmp_path):
    sampled = []
    build = meta_stage._sampler
    monkeypatch.setattr(meta_stage, "_sampler", lambda spec, train: sampled.append(train) or build(spec, train))
    run_meta_train(tiny, tmp_path, "ss-all")
    assert loaded == ["train", "val"]
    assert len(sampled[0].class_names) == 10


def test_pretraining_sees_no_test_image_and_trains_on_training_classes(tiny, loaded, monkeypatch, tmp_path):
    trained, run = [], pretrain_stage._run

    def spy(spec, device, train, *rest):
        trained.append(train)
        return run(spec, device, train, *rest)

    monkeypatch.setattr(pretrain_stage, "_run", spy)
    run_pretrain(tiny, tmp_path)
    assert loaded == ["train", "val"]
    assert len(trained[0].class_names) == 10


def test_pretraining_follows_its_schedule(tiny, tmp_path):
    rates = [float(line["learning_rate"]) for line in read(run_pretrain(tiny, tmp_path / "a").history)[:-1]]
    assert rates == [1e-3] * 4 + [5e-4] * 2
    steady = run_pretrain(tiny, tmp_path / "b", halve_every=100, learning_rate_floor=1e-3)
    assert steady.model.read_bytes() != (tmp_path / "a/theta.safetensors").read_bytes()


def test_evaluation_uses_what_was_learned(tiny, tmp_path, test_images):
    torch.manual_seed(1)
    learner = build(tiny, SPEC.method.name)
    learned = {name: value + 0.5 * torch.randn_like(value) for name, value in learner.learned().items()}
    save_tensors(learned, tmp_path / "model.safetensors")
    spec = evaluate_spec("ss-all", [7])
    with_model, summary = run_evaluate(tiny, tmp_path / "a", spec, tmp_path / "model.safetensors")
    without, _ = run_evaluate(tiny, tmp_path / "b", spec)
    assert not np.array_equal(with_model, without)
    load_learned(learner, tmp_path / "model.safetensors")
    learner.steps = 7
    episodes = read_episodes(tiny / "test.npz", test_images, STORED)
    by_hand = score(learner, embed_episodes(learner, test_images.images, episodes), episodes)
    assert with_model.tolist() == pytest.approx(by_hand.tolist(), abs=1e-5)
    assert summary["accuracy"] == pytest.approx(by_hand.mean())
    assert summary["episodes"] == 12


def test_inner_steps_are_chosen_on_validation_and_test_episodes_choose_nothing(tiny, loaded, tmp_path):
    first, summary = run_evaluate(tiny, tmp_path / "a")
    assert loaded == ["val", "test"]
    by_steps = summary["validation_accuracy_by_steps"]
    assert by_steps[str(summary["steps"])] == max(by_steps.values())
    with np.load(tiny / "test.npz") as stored:
        np.savez(tiny / "other.npz", **{name: stored[name][::-1][:6] for name in stored})
    second, other = run_evaluate(
        tiny, tmp_path / "b", dataclasses.replace(SPEC, test=Stored(count=6, query=3)), test_episodes="other.npz"
    )
    assert not np.array_equal(first[:6], second)
    assert (other["steps"], other["validation_accuracy_by_steps"]) == (summary["steps"], by_steps)


def test_of_equal_numbers_of_steps_the_smallest_wins(tiny, monkeypatch, tmp_path):
    right = np.arange(5).repeat(2)

    def made(learner, *_):
        return np.stack([right * 0, right * (learner.steps > 0)])

    monkeypatch.setattr(evaluate_stage, "predictions", made)
    _, summary = run_evaluate(tiny, tmp_path / "a", evaluate_spec("ss-all", [20, 0, 5]))
    assert summary["steps"] == 5


def test_weights_of_another_method_or_no_weights_are_refused(tiny, tmp_path):
    with pytest.raises(Exception, match="holds other tensors"):
        run_evaluate(tiny, tmp_path / "a", SPEC, tiny / "theta.safetensors")
    (tmp_path / "x.safetensors").write_bytes(b"<html>")
    with pytest.raises(Exception, match="not a safetensors file"):
        run_evaluate(tiny, tmp_path / "a", SPEC, tmp_path / "x.safetensors")
