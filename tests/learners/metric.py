"""What holds for every learner that compares queries with supports, checked on tasks of random features."""

import torch
from torch.autograd import gradcheck

LABELS, TARGETS = torch.arange(5).repeat_interleave(2), torch.arange(5).repeat_interleave(3)


def tasks(count, *shape, noise=0.3):
    """Supports (T, 10, ...) and queries (T, 15, ...) around five random means of each task; by default of 16 values."""
    means = torch.randn(count, 5, *(shape or (16,)))
    sets = means[:, LABELS], means[:, TARGETS]
    return [one + noise * torch.randn(one.shape) for one in sets]


def check_one_at_a_time(learner, support, query):
    """Neither a task nor a query sees another."""
    together = learner.predict(support, LABELS, query)
    for task in range(len(support)):
        alone = learner.predict(support[task : task + 1], LABELS, query[task : task + 1, 7:8])
        assert torch.allclose(alone[0, 0], together[task, 7], atol=1e-5)


def check_other_order(learner, support, query):
    """Classes in another order give logits in that order."""
    order = torch.tensor([3, 0, 4, 1, 2])
    permuted = support.unflatten(1, (5, 2))[:, order].flatten(1, 2)
    logits = learner.predict(support, LABELS, query)
    assert logits.std() > 0.01
    assert torch.allclose(learner.predict(permuted, LABELS, query), logits[..., order], atol=1e-5)


def check_gradients(learner, parameters, sets):
    """The loss of tasks in float64 against finite differences."""
    sets = [one.double().requires_grad_() for one in sets]
    assert parameters
    assert gradcheck(lambda s, q, *_: learner.loss(s, LABELS, q, TARGETS)[0], (*sets, *parameters), fast_mode=True)


def check_learning(learner, parameters, draw, updates, rate, at_least):
    """After learning, shuffled supports are at chance: who found labels in places would know them still.

    Args:
        learner: it learns by Adam.
        parameters: what is learned.
        draw: maps a count to as many tasks.
        updates: how many updates, each on 16 tasks.
        rate: learning rate.
        at_least: accuracy in [0, 1] with supports as they are.
    """
    optimizer = torch.optim.Adam(parameters, lr=rate)
    for _ in range(updates):
        support, query = draw(16)
        optimizer.zero_grad()
        learner.loss(support, LABELS, query, TARGETS)[0].backward()
        optimizer.step()
    support, query = draw(300)
    shuffled = torch.stack([one[torch.randperm(10)] for one in support])
    right, wrong = (
        (learner.predict(s, LABELS, query).argmax(dim=2) == TARGETS).float().mean() for s in (support, shuffled)
    )
    assert right > at_least
    assert 0.15 < wrong < 0.25


def check_learning_orthogonal(learner, parameters, scale, updates, tasks_at_once, tested):
    """It learns orthogonal classes; with the supports of other classes in their places, it is wrong or at chance."""
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(parameters, lr=3e-3)

    def drawn(count):
        classes = torch.stack([torch.eye(16)[torch.randperm(16, generator=generator)[:5]] for _ in range(count)])
        return scale * classes.repeat_interleave(2, dim=1), scale * classes

    for _ in range(updates):
        support, query = drawn(tasks_at_once)
        loss, _ = learner.loss(support, LABELS, query, torch.arange(5))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    support, query = drawn(tested)
    right = (learner.predict(support, LABELS, query).argmax(dim=2) == torch.arange(5)).float().mean()
    shuffled = torch.stack([one[torch.randperm(10, generator=generator)] for one in support])
    wrong = (learner.predict(shuffled, LABELS, query).argmax(dim=2) == torch.arange(5)).float().mean()
    assert right > 0.6
    assert wrong < 0.35
