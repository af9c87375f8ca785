"""Learners that transfer without meta-training, tasks for them, and slow fine-tuning."""

import copy
import dataclasses

import numpy as np
import torch
from torch.nn import functional as F

from mtl.data.tasks import TaskShape, draw_uniform, labels
from mtl.evaluation.scoring import bank
from mtl.learners import build_learner
from tests.helpers.learners import CPU, NETWORK, inner_loop, method, theta_of

RATE, STEPS = 0.05, 3
SHAPE = TaskShape(5, 2, 3)
LABELS = torch.from_numpy(labels(5, 2))


def learner_of(
    tiny, name, statistics="running", source=None, steps=STEPS, rate=RATE, device=CPU, network=None, **options
):
    """A learner in the default precision that has seen `source`, images of training classes."""
    row = dataclasses.replace(method(name), options={**method(name).options, **options})
    network = network or NETWORK
    learner = build_learner(row, network, statistics, theta_of(tiny, network), 5, inner_loop(rate, steps), 0, device)
    learner.to(torch.get_default_dtype())
    if source is not None:
        learner.see_source(bank(learner, source))
    return learner


def sets_of(images, tasks=3):
    """Support (T, 10, 3, H, W) and query (T, 15, 3, H, W) images."""
    drawn = draw_uniform(images.rows_by_class, SHAPE, tasks, np.random.default_rng(0))
    return [images.images[torch.from_numpy(rows)] for rows in (drawn.support, drawn.query)]


def logits_of(learner, support, query):
    """Logits (T, Q, 5) of images, as the evaluator gets them."""
    banked = (bank(learner, images.flatten(0, 1)).unflatten(0, images.shape[:2]) for images in (support, query))
    with torch.no_grad():
        support, query = learner.embed_sets(*banked)
        return learner.predict(support, torch.arange(5).repeat_interleave(support.shape[1] // 5), query)


def slow_fine_tuning(learner, support, query, blocks, weight, term, rate=RATE):
    """Logits (Q, 5) of one task, with torch's optimizer; `term` is a function of the network and its features.

    `rate` is that of Θ.
    """
    network = copy.deepcopy(learner.backbone).requires_grad_(True)
    theta = [learner.theta_weight.clone().requires_grad_(), learner.theta_bias.clone().requires_grad_()]
    phi = {"params": network.blocks[-blocks:].parameters(), "lr": rate}
    optimizer = torch.optim.SGD([{"params": theta}, phi], lr=RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        features = network(support.double() / 255)
        (F.cross_entropy(F.linear(features, *theta), LABELS) + weight * term(network, features)).backward()
        optimizer.step()
    return F.linear(network(query.double() / 255), *theta)
