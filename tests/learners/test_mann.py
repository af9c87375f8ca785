"""The memory of MANN by hand, and that no query sees another."""

import pytest
import torch

from mtl.learners.mann import access
from tests.helpers.learners import build
from tests.learners.metric import LABELS, check_learning_orthogonal


@pytest.fixture
def learner(tiny):
    return build(tiny, "mann-ss", base_learner=None)


def features(tasks=3, shots=10, queries=6, dimensions=16, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(tasks, count, dimensions, generator=generator, dtype=dtype) for count in (shots, queries)]


MEMORY = torch.tensor([[[1.0, 0], [0, 1], [1, 1], [0, 0]]], dtype=torch.float64)
READING = torch.tensor([[[0.7, 0.1, 0.1, 0.1]]], dtype=torch.float64)
USAGE = torch.tensor([[0.9, 0.4, 0.6, 0.2]], dtype=torch.float64)
KEY = torch.tensor([[[1.0, 2]]], dtype=torch.float64)
HALF = torch.full((1, 1, 1), 0.5, dtype=torch.float64)


def test_a_step_by_hand():
    memory, reading, usage = access(MEMORY, READING, USAGE, KEY, HALF, strength=1.0)
    assert memory.flatten().tolist() == pytest.approx([1.35, 0.7, 0.05, 1.1, 1.05, 1.1, 0.55, 1.1])
    assert reading.flatten().tolist() == pytest.approx([0.223215, 0.247946, 0.258574, 0.270265], abs=1e-6)
    assert (reading @ memory).flatten().tolist() == pytest.approx([0.733886, 1.010714], abs=1e-6)
    assert usage.flatten().tolist() == pytest.approx([1.428215, 0.677946, 0.878574, 1.010265], abs=1e-6)


def test_three_steps_against_a_loop_over_rows():
    memory, reading, usage = MEMORY, READING, USAGE
    slow, slow_reading, slow_usage = MEMORY[0].clone(), READING[0, 0].tolist(), USAGE[0].tolist()
    for step in range(3):
        key = KEY + step
        memory, reading, usage = access(memory, reading, usage, key, HALF, strength=3.0)
        least = slow_usage.index(min(slow_usage))
        writing = [0.5 * weight + 0.5 * (row == least) for row, weight in enumerate(slow_reading)]
        slow[least] = 0
        slow = torch.stack([row + weight * key[0, 0] for row, weight in zip(slow, writing, strict=True)])
        cosines = [torch.cosine_similarity(row, key[0, 0], dim=0) for row in slow]
        slow_reading = torch.stack([3.0 * cosine for cosine in cosines]).softmax(dim=0).tolist()
        triples = zip(slow_usage, slow_reading, writing, strict=True)
        slow_usage = [0.95 * used + read + wrote for used, read, wrote in triples]
        assert torch.allclose(memory[0], slow)
        assert usage[0].tolist() == pytest.approx(slow_usage)


def test_the_least_used_row_is_emptied_and_each_head_has_one_of_its_own():
    reading, key = READING.expand(1, 2, 4), torch.zeros(1, 2, 2, dtype=torch.float64)
    memory, _, usage = access(MEMORY + 1, reading, USAGE, key, 0 * HALF.expand(1, 2, 1), strength=1.0)
    assert memory[0].tolist() == [[2, 1], [1, 2], [2, 2], [0, 0]]
    # Wholly written: rows 3 and 1; an empty key is like every row.
    assert (usage - 0.95 * USAGE).flatten().tolist() == pytest.approx([0.5, 1.5, 0.5, 1.5])


def test_no_query_sees_another_and_no_task_either(learner):
    support, query = features()
    together = learner.predict(support, LABELS, query)
    alone = learner.predict(support[1:2], LABELS, query[1:2, 3:4])
    assert torch.allclose(together[1, 3], alone[0, 0], atol=1e-5)


def test_every_label_arrives_even_that_of_the_last_support(learner):
    support, query = features()
    logits = learner.predict(support, LABELS, query)
    for shot in range(10):
        labels = LABELS.clone()
        labels[shot] = (labels[shot] + 1) % 5
        assert not torch.allclose(learner.predict(support, labels, query), logits, atol=1e-6)


def test_gradients_are_those_of_finite_differences(learner):
    learner.double()
    support, query = (x.requires_grad_() for x in features(1, 5, 2, dtype=torch.float64))
    targets = torch.tensor([0, 3])
    assert torch.autograd.gradcheck(lambda s, q: learner.loss(s, torch.arange(5), q, targets)[0], (support, query))


def test_what_it_learns_is_in_the_supports(learner):
    check_learning_orthogonal(learner, learner.theta_reader.parameters(), 1, updates=150, tasks_at_once=16, tested=100)
