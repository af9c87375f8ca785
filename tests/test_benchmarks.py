"""The benchmarks run, and what they compare gives the same numbers; speed is not tested."""

import dataclasses

import pytest
import torch

from benchmarks import solvers
from benchmarks.arithmetic import arithmetic
from benchmarks.learners import FROM_SCRATCH, ON_THETA, learners, whole_network
from benchmarks.processes import memory
from benchmarks.scenes import Scene
from benchmarks.set_statistics import set_statistics
from benchmarks.stages import stages
from mtl.data.tasks import TaskShape, labels
from mtl.evaluation.scoring import bank, embed_episodes, score
from mtl.learners.base_learner import adapt
from mtl.learners.learner import Head
from mtl.runtime.device import Device
from mtl.specs.networks import Network
from mtl.training.meta_step import MetaStep

CPU = Device(torch.device("cpu"), torch.float32)
SMALL = Scene("small", Network(name="resnet12", width=2, image_size=16), 20, 1, CPU)


@pytest.mark.parametrize("lines", [stages, solvers.solvers, arithmetic, set_statistics])
def test_every_line_can_be_measured(lines, monkeypatch):
    monkeypatch.setattr(solvers, "EPISODES", 2)
    monkeypatch.setattr(torch, "compile", lambda module: module)
    for comparison in lines(SMALL):
        line = comparison.measure()
        assert line.value > 0
        assert line.floor_value > 0


@pytest.mark.parametrize(("backbone", "names"), [("resnet12", ON_THETA), ("conv4", FROM_SCRATCH)])
def test_every_method_can_be_measured(backbone, names):
    scene = dataclasses.replace(SMALL, network=Network(name=backbone, width=2, image_size=16))
    for comparison in learners(scene, names, episodes=2):
        assert comparison.measure().value > 0


def test_methods_that_change_the_whole_network_can_be_measured():
    scene = dataclasses.replace(SMALL, network=Network(name="conv4", width=2, image_size=16))
    assert all(comparison.measure().value > 0 for comparison in whole_network(scene))


@pytest.mark.slow
def test_maml_and_whole_processes_can_be_measured():
    assert (
        solvers.maml(Scene("small", Network(name="conv4", width=2, image_size=16), 20, 1, CPU), tasks=2).measure().value
        > 0
    )
    line = next(memory(SMALL, 1))
    assert line.value > line.floor_value > 0


def test_the_base_learner_and_the_loop_it_is_timed_against_agree():
    features = torch.randn(3, 5, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    head = Head(torch.zeros(5, 40, dtype=torch.float64), torch.zeros(5, dtype=torch.float64))
    targets = torch.from_numpy(labels(5, 1))
    adapted = adapt(head, features, targets, solvers.RATE, solvers.STEPS)
    for episode, expected in enumerate(solvers.loop(head, features, targets)):
        torch.testing.assert_close(adapted.weight[episode], expected.weight, rtol=0, atol=1e-10)
        torch.testing.assert_close(adapted.bias[episode], expected.bias, rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", ["ft-head", "ss-last"])
def test_a_bank_changes_nothing(method):
    images, tasks = SMALL.images(), SMALL.tasks(4)
    found = []
    for learner in (SMALL.learner(method), solvers.Unbanked(SMALL.learner(method))):
        banked, step = bank(learner, images), MetaStep(learner, TaskShape(5, 1, 15), CPU.torch_device)
        losses = [step(banked, tasks, 1e-3)[0].item() for _ in range(5)]
        found.append((losses, score(learner, embed_episodes(learner, banked, tasks), tasks).tolist()))
    assert found[0] == found[1]
