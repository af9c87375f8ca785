import json

import numpy as np
import pytest

from mtl.data.task_samplers import HardSampler, StaleHardSampler, UniformSampler, build_sampler
from mtl.data.tasks import Tasks, TaskShape, draw_task, draw_uniform, labels
from mtl.runtime.errors import UserError
from mtl.specs.meta_training import HardTasks

SHAPE = TaskShape(way=5, shot=2, query=3)
PER_CLASS = 100
ROWS = [np.arange(PER_CLASS) + PER_CLASS * label for label in range(12)]


def class_of(images):
    return images // PER_CLASS


def test_support_and_query_are_of_the_right_class_and_disjoint(rng):
    tasks = draw_uniform(ROWS, SHAPE, 50, rng)
    for classes, support, query in zip(tasks.classes, tasks.support, tasks.query, strict=True):
        assert len(set(classes)) == 5
        assert np.array_equal(class_of(support), classes[labels(5, 2)])
        assert np.array_equal(class_of(query), classes[labels(5, 3)])
        assert not set(support) & set(query)
        assert len(set(support)) == 10
        assert len(set(query)) == 15


def test_stale_images_come_last(rng):
    stale = frozenset(range(PER_CLASS - 5))
    support, query = draw_task(ROWS, np.array([0]), SHAPE, rng, stale)
    assert not stale & {*support, *query}
    support, query = draw_task(ROWS, np.array([0]), TaskShape(1, 5, 5), rng, stale)
    assert set(support) == set(range(PER_CLASS - 5, PER_CLASS))
    assert len({*support, *query}) == 10


def hard_sampler(rng, every=10, tasks=4, random_classes=False):
    plain = UniformSampler(ROWS, SHAPE, 2, rng)
    return HardSampler(
        plain, ROWS, SHAPE, 2, HardTasks(every=every, tasks=tasks), np.random.default_rng(1), random_classes
    )


def play(sampler, meta_batches, failing=lambda tasks: tasks.classes.argmax(axis=1)):
    """Plays meta-batches in which the class at `failing` does worst; yields phase, tasks and failed classes."""
    for _ in range(meta_batches):
        phase, tasks = sampler.draw()
        worst = failing(tasks)
        accuracy = np.full((2, 5), 0.8)
        accuracy[np.arange(2), worst] = 0.1
        sampler.observe(accuracy)
        yield phase, tasks, tasks.classes[np.arange(2), worst]


def test_hard_phase_follows_every_few_plain_meta_batches(rng):
    phases = [phase for phase, _, _ in play(hard_sampler(rng), 24, lambda tasks: np.array([0, 1]))]
    assert phases == (["plain"] * 10 + ["hard"] * 2) * 2


def test_hard_tasks_are_made_of_classes_that_failed_in_this_cycle(rng):
    failed, seen, hard_meta_batches = set(), set(), 0
    for phase, tasks, worst in play(hard_sampler(rng), 100, lambda tasks: np.array([2, 4])):
        if phase == "plain":
            if hard_meta_batches:
                failed, seen, hard_meta_batches = set(), set(), 0
            failed.update(worst.tolist())
            seen.update(tasks.support.ravel(), tasks.query.ravel())
            continue
        hard_meta_batches += 1
        for classes, support, query in zip(tasks.classes, tasks.support, tasks.query, strict=True):
            assert set(classes.tolist()) <= failed
            assert len(set(classes.tolist())) == 5
            assert not set(support) & set(query)
            assert not seen & {*support, *query}, "an image of the plain tasks came back"


def test_fewer_classes_than_ways_give_no_hard_phase(rng):
    # Two tasks between hard phases can fail in two classes at most.
    sampler = hard_sampler(rng, every=1)
    assert {phase for phase, _, _ in play(sampler, 20)} == {"plain"}


def test_the_pool_is_emptied_after_a_hard_phase(rng):
    sampler = hard_sampler(rng)
    for _ in play(sampler, 12, lambda tasks: np.array([0, 1])):
        pass
    assert sampler._pool == set()
    assert sampler._seen == set()


def test_hard_tasks_are_not_searched_for_failures(rng):
    sampler = hard_sampler(rng)
    phases = [phase for phase, _, _ in play(sampler, 11, lambda tasks: np.array([0, 1]))]
    assert phases[-1] == "hard"
    pool = set(sampler._pool)
    assert sampler.observe(np.zeros((2, 5))) == []
    assert sampler._pool == pool


def test_random_control_has_the_same_schedule_but_other_classes(rng):
    hard = [(p, t) for p, t, _ in play(hard_sampler(np.random.default_rng(5)), 40, lambda t: np.array([0, 0]))]
    control = [
        (p, t)
        for p, t, _ in play(hard_sampler(np.random.default_rng(5), random_classes=True), 40, lambda t: np.array([0, 0]))
    ]
    assert [phase for phase, _ in hard] == [phase for phase, _ in control]
    for (phase, a), (_, b) in zip(hard, control, strict=True):
        if phase == "plain":
            assert np.array_equal(a.support, b.support)
    assert any(not np.array_equal(a.classes, b.classes) for (phase, a), (_, b) in zip(hard, control, strict=True))


def test_random_control_draws_from_all_classes():
    """Class 0 never fails, yet the control draws it."""
    served = {"hard": set(), "hard-random": set()}
    for name, classes in served.items():
        rngs = np.random.default_rng(0), np.random.default_rng(1)
        sampler = build_sampler(name, ROWS, SHAPE, 2, HardTasks(every=10, tasks=4), rngs)
        for phase, tasks, _ in play(sampler, 240):
            if phase == "hard":
                classes.update(tasks.classes.ravel().tolist())
    # play() lets the highest class of each task fail, which class 0 never is.
    assert 0 not in served["hard"]
    assert served["hard-random"] == set(range(12))


class Planned:
    """Plain meta-batches of one two-way task: classes 0 and 1, then 2 and 3, and so on."""

    def __init__(self):
        self.drawn = 0

    def draw(self):
        classes = np.array([[2 * self.drawn, 2 * self.drawn + 1]])
        self.drawn += 1
        return "plain", Tasks(classes, PER_CLASS * classes, PER_CLASS * classes + 1)

    def observe(self, accuracy):
        pass

    def state(self):
        return {"drawn": self.drawn}

    def restore(self, state):
        self.drawn = state["drawn"]


# Three cycles of two plain tasks: the label that fails, then the classes of the hard task that follows.
FAILING = [[1, 0], [0, 1], [0, 0]]
BY_HAND = {
    HardSampler: [{1, 2}, {4, 7}, {8, 10}],
    # Always labels 1 and 0, as in the first cycle.
    StaleHardSampler: [{1, 2}, {5, 6}, {9, 10}],
}


def cycles(kind, interrupted):
    """The classes of the hard task of each cycle; if `interrupted`, every meta-batch is by a restored sampler."""

    def made():
        hard = HardTasks(every=2, tasks=1)
        return kind(Planned(), ROWS, TaskShape(2, 1, 1), 1, hard, np.random.default_rng(0), False)

    sampler = made()
    for labels_that_fail in FAILING:
        for failing in (*labels_that_fail, 0):
            phase, tasks = sampler.draw()
            accuracy = np.ones((1, 2))
            accuracy[0, failing] = 0
            sampler.observe(accuracy)
            if interrupted:
                state, sampler = sampler.state(), made()
                sampler.restore(json.loads(json.dumps(state)))
        assert phase == "hard"
        yield set(tasks.classes.ravel().tolist())


@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("kind", BY_HAND)
def test_stale_accuracies_name_other_failures_from_the_second_cycle_on(kind, interrupted):
    assert list(cycles(kind, interrupted)) == BY_HAND[kind]


def test_stale_hard_tasks_are_a_meta_batch_of_their_own():
    rngs = np.random.default_rng(0), np.random.default_rng(1)
    sampler = build_sampler("hard-stale", ROWS, SHAPE, 2, HardTasks(every=10, tasks=4), rngs)
    assert isinstance(sampler, StaleHardSampler)
    assert [phase for phase, _, _ in play(sampler, 12, lambda tasks: np.array([0, 1]))] == ["plain"] * 10 + ["hard"] * 2


def test_too_few_images_or_classes_are_one_line(rng):
    with pytest.raises(UserError, match=r"a class has 100 images, but a task needs 99 \+ 3"):
        draw_uniform(ROWS, TaskShape(5, 99, 3), 1, rng)
    with pytest.raises(UserError, match="the split has 12 classes, but a task needs 13"):
        draw_uniform(ROWS, TaskShape(13, 1, 1), 1, rng)


def test_plain_tasks_are_the_same_with_and_without_hard_tasks():
    plain = build_sampler("plain", ROWS, SHAPE, 2, None, (np.random.default_rng(0), np.random.default_rng(1)))
    hard = build_sampler(
        "hard", ROWS, SHAPE, 2, HardTasks(every=10, tasks=4), (np.random.default_rng(0), np.random.default_rng(1))
    )
    ours = [tasks.support for _, tasks, _ in play(plain, 20)]
    theirs = [tasks.support for phase, tasks, _ in play(hard, 24) if phase == "plain"]
    for a, b in zip(ours, theirs, strict=False):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(("way", "per_class", "expected"), [(2, 3, [0, 0, 0, 1, 1, 1]), (3, 1, [0, 1, 2])])
def test_labels(way, per_class, expected):
    assert labels(way, per_class).tolist() == expected
