"""Meta Networks (MetaNet; Munkhdalai and Yu 2017): fast weights, made from the gradients of single examples.

For every task, weights W* are added to those that meta-training learns, and both have a layer each:
ReLU(W x) + ReLU(W* x), or plain sums at outputs. Networks make them, coordinate by coordinate, from gradients on
supports:

- an LSTM reads the gradients of one layer of the embedding, support after support, and its last output is that layer's
  fast weight for the task;
- an MLP for each layer of a classifier maps the gradient of each support on that layer to its fast weights. A query
  attends to the supports by cosine, and classifies with the mean of their fast weights.

This is the form of the authors' code that they call partial, with a classifier of two layers on embeddings: features of
Θ, projected to `SIZE` values. Gradients are constants, so it is of first order. The support set is read in one random
order, the same for all tasks of a size. Meta-gradients are clipped, as there. Where that code trains on tasks of 10
classes and tests on 5 with an output layer that was never trained, here both have the classes of the test.

Where features start from random weights, the start matters, and it is ours: otherwise training can stay at chance. Fast
weights of hidden layers start small: with large features they would drown the slow ones. Slow weights of outputs start
at zero, for they know nothing of labels that are drawn anew for every task: the first guess is that of the fast weights
alone.
"""

import math

import torch
from torch import nn
from torch.func import grad, vmap
from torch.nn import functional as F

from mtl.learners.clipped_loss import ClippedLoss
from mtl.learners.embedding import Embedding
from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.reading_order import read, reading_order
from mtl.learners.xavier import xavier_
from mtl.runtime.seeds import torch_generator

KEYS = ("modulate", "scope", "scale", "shift")
INNER_STEPS = False
WHOLE_QUERY_SETS = True
JOINT = True

EPISODES_AT_ONCE = 16
SIZE = 64
HIDDEN = 20
SCALE = 7.0  # k of `preprocessed`
NORM = 10.0
SMALL = 0.01  # what fast weights of hidden layers begin with, as a share of Xavier's rule


class FastWeights(nn.Module):
    """Slow weights, and the networks that make fast ones: each layer of the classifier has an MLP of its own."""

    guess: torch.Tensor

    def __init__(self, dimensions: int, way: int, seed: int) -> None:
        """For features of `dimensions` values and tasks of `way` classes."""
        super().__init__()
        self.project = nn.Linear(dimensions, SIZE)
        self.embed = nn.Linear(SIZE, SIZE, bias=False)
        self.inner, self.outer = nn.Linear(SIZE, SIZE, bias=False), nn.Linear(SIZE, way, bias=False)
        self.reader, self.read = nn.LSTMCell(2, HIDDEN), nn.Linear(HIDDEN, 1)
        self.make_inner, self.make_outer = maker(), maker()
        generator = torch_generator(seed, "meta networks")
        xavier_(self, generator)
        with torch.no_grad():
            for last in (self.read, self.make_inner[-1]):
                last.get_parameter("weight").mul_(SMALL)
            self.outer.weight.zero_()
        # Only gradients of supports depend on the classifier of the embedding. They are constants: nothing teaches it.
        guess = nn.init.xavier_uniform_(torch.empty(way, SIZE), generator=generator)
        self.register_buffer("guess", guess, persistent=False)

    def forward(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Features (T, S, D) and (T, Q, D) to logits (T, Q, way)."""
        support, query = (F.relu(self.project(features)) for features in (support, query))
        fast = self._of_embedding(support, labels)
        keys, asked = (self.embed(x) + x @ fast.transpose(1, 2) for x in (support, query))
        inner, outer = self._of_classifier(keys.detach(), labels)
        attention = (F.normalize(asked, dim=2) @ F.normalize(keys, dim=2).transpose(1, 2)).softmax(dim=2)
        hidden = F.relu(self.inner(asked)) + F.relu(weighted(attention, inner, asked))
        logits: torch.Tensor = self.outer(hidden) + weighted(attention, outer, hidden)
        return logits

    def _of_embedding(self, support: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The fast weight of the embedding for each task, (T, SIZE, SIZE)."""

        def loss(weight: torch.Tensor, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(self.guess @ F.relu(weight @ x), label)

        with torch.no_grad():
            gradients = vmap(vmap(grad(loss), in_dims=(None, 0, 0)), in_dims=(None, 0, None))(
                self.embed.weight, support, labels
            )
        # Each coordinate is a sequence of its own: for each support (T · coordinates, 2).
        seen = [preprocessed(gradients[:, shot]).flatten(0, 2) for shot in reading_order(support.shape[1])]
        last = read(self.reader, seen)[-1]
        fast: torch.Tensor = self.read(last).view(len(support), SIZE, SIZE)
        return fast

    def _of_classifier(self, keys: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The fast weights of both layers of the classifier for each support, (T, S, SIZE, SIZE), (T, S, way, SIZE)."""

        def loss(inner: torch.Tensor, outer: torch.Tensor, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(outer @ F.relu(inner @ x), label)

        each = vmap(grad(loss, argnums=(0, 1)), in_dims=(None, None, 0, 0))
        with torch.no_grad():
            gradients = vmap(each, in_dims=(None, None, 0, None))(self.inner.weight, self.outer.weight, keys, labels)
        inner, outer = (preprocessed(gradient) for gradient in gradients)
        return self.make_inner(inner).squeeze(-1), self.make_outer(outer).squeeze(-1)


def maker() -> nn.Sequential:
    """An MLP from the gradient of a coordinate, as `preprocessed` gives it, to the fast weight of that coordinate."""
    return nn.Sequential(nn.Linear(2, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))


def preprocessed(x: torch.Tensor) -> torch.Tensor:
    """Size and sign of (...) values, (..., 2), so that a network can tell small ones apart."""
    smallest = torch.finfo(x.dtype).tiny
    size = (x.abs().clamp_min(smallest).log() / SCALE).clamp_min(-1)
    return torch.stack([size, (x * math.exp(SCALE)).clamp(-1, 1)], dim=-1)


def weighted(attention: torch.Tensor, weights: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """A layer whose weight is, for each query, the mean of those of the supports that it attends to.

    Args:
        attention: (T, Q, S).
        weights: (T, S, out, in).
        x: (T, Q, in).

    Returns:
        (T, Q, out).
    """
    of_each = torch.einsum("tsoi,tqi->tqso", weights, x)
    return torch.einsum("tqs,tqso->tqo", attention, of_each)


class MetaNetworks(ClippedLoss, Embedding):
    """Fast weights on features of Θ."""

    clip_norm = NORM
    joint = JOINT

    def __init__(self, setup: LearnerSetup) -> None:
        """Adds slow weights, and what makes fast ones."""
        super().__init__(setup)
        self.episodes_at_once = EPISODES_AT_ONCE
        way, dimensions = setup.head.weight.shape
        self.theta_fast = FastWeights(dimensions, way, setup.seed)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits with slow and fast weights."""
        logits: torch.Tensor = self.theta_fast(support, labels, query)
        return logits


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return MetaNetworks(setup)
