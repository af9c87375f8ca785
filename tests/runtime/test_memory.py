"""Parts are halved when the memory of a GPU is too small, and the result is the same."""

import numpy as np
import pytest
import torch

from mtl.data.tasks import TaskShape, draw_uniform
from mtl.evaluation.scoring import bank, embed_episodes, score
from mtl.runtime import memory
from mtl.runtime.memory import Parts, _limits
from mtl.training.meta_step import MetaStep, bytes_of_task
from tests.helpers.learners import ALL_METHODS, CPU, build, method

META_TRAINED = [name for name in ALL_METHODS if method(name).meta_trained]


def holds(most):
    """Work for which there is memory up to a size."""

    def work(part):
        if part.stop - part.start > most:
            raise torch.OutOfMemoryError
        return list(range(part.start, part.stop))

    return work


def test_a_part_that_does_not_fit_is_halved_and_later_ones_stay_so(capsys):
    parts = Parts(8, "episodes")
    assert list(parts.of(11, holds(3))) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10]]
    assert capsys.readouterr().err.splitlines() == [
        "note: 8 episodes at once do not fit into the memory of the GPU; going on with 4",
        "note: 4 episodes at once do not fit into the memory of the GPU; going on with 2",
    ]
    assert list(parts.of(3, holds(3))) == [[0, 1], [2]]


def test_one_that_does_not_fit_is_an_error():
    with pytest.raises(torch.OutOfMemoryError):
        list(Parts(8, "episodes").of(3, holds(0)))


def test_a_whole_begins_anew():
    asked = []

    def work(parts):
        asked.append([(part.start, part.stop) for part in parts])
        return [holds(2)(part) for part in parts]

    assert Parts(2**31, "tasks").whole(5, work) == [[0, 1], [2, 3], [4]]
    assert asked == [[(0, 5)], [(0, 2), (2, 4), (4, 5)]]


class Small:
    """Makes a function fail for more than some tasks, as a GPU without enough memory does."""

    def __init__(self, function, tasks):
        self.function, self.tasks = function, tasks

    def __call__(self, support, *others, **options):
        if len(support) > self.tasks:
            raise torch.OutOfMemoryError
        return self.function(support, *others, **options)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", META_TRAINED)
def test_a_meta_update_in_parts_is_the_same(tiny, train_images, name):
    shape = TaskShape(5, 1, 3)
    tasks = draw_uniform(train_images.rows_by_class, shape, 5, np.random.default_rng(0))
    found = []
    for small in (False, True):
        learner = build(tiny, name).double()
        if small:
            learner.loss = Small(learner.loss, 2 if learner.separable else 5)
        step = MetaStep(learner, shape, CPU.torch_device)
        banked = learner.bank(train_images.images)
        loss, correct = step(banked, tasks, 1e-2)
        gradients = [value.grad.clone() for value in learner.learned().values() if value.grad is not None]
        found.append((loss, correct, gradients))
    (loss, correct, gradients), (loss_of_parts, correct_of_parts, gradients_of_parts) = found
    assert loss_of_parts == pytest.approx(loss.item())
    assert torch.equal(correct_of_parts, correct)
    for ours, theirs in zip(gradients_of_parts, gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-8, atol=1e-12)


def test_an_evaluation_in_parts_is_the_same(tiny, test_images, test_episodes):
    found = []
    for small in (False, True):
        learner = build(tiny, "ss-all", batch_norm="episode")
        if small:
            learner.embed_sets, learner.predict = Small(learner.embed_sets, 2), Small(learner.predict, 3)
        sets = embed_episodes(learner, test_images.images, test_episodes)
        found.append(score(learner, sets, test_episodes).tolist())
    assert found[0] == found[1]


def test_a_meta_update_is_made_of_tasks_that_fit(tiny, train_images, monkeypatch):
    learner, shape = build(tiny, "ss-all"), TaskShape(5, 1, 3)
    tasks = draw_uniform(train_images.rows_by_class, shape, 5, np.random.default_rng(0))
    support, query = (train_images.images[torch.from_numpy(rows[:1])] for rows in (tasks.support, tasks.query))
    room = 2.5 * bytes_of_task(learner, shape, support, query)
    monkeypatch.setattr(memory, "room", lambda device: int(room))
    step = MetaStep(learner, shape, CPU.torch_device)
    step(train_images.images, tasks, 1e-2)
    assert step.parts.at_once == 2


def test_images_that_are_banked_as_they_are_are_not_copied(tiny, train_images):
    assert bank(build(tiny, "maml"), train_images.images) is train_images.images
    assert bank(build(tiny, "ss-last"), train_images.images).shape[0] == len(train_images.images)


@pytest.mark.parametrize(
    ("group", "limits", "found"),
    [
        ("0::/job/step\n", {"job/memory.max": "6000", "job/step/memory.max": "max"}, [6000]),
        ("4:memory:/a/b\n", {"memory/a/memory.limit_in_bytes": "7", "memory/memory.limit_in_bytes": "9"}, [7, 9]),
        ("3:cpuset:/job\n", {"memory/job/memory.limit_in_bytes": "7000"}, []),
        (None, {}, []),
    ],
)  # fmt: skip
def test_limits_of_a_control_group_and_of_those_above_it(tmp_path, group, limits, found):
    for name, limit in limits.items():
        (tmp_path / "mounted" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mounted" / name).write_text(limit + "\n")
    if group:
        (tmp_path / "cgroup").write_text(group)
    assert _limits(tmp_path / "cgroup", tmp_path / "mounted") == found
