"""A memory-augmented network (MANN; Santoro et al. 2016): supports are read one by one, each label after its image.

Every image comes with the label of the one before. The network writes what it sees to a memory, by least recently used
access, and reads what is alike. The paper trains on streams in which any image may be the first of its class. Here a
network is trained as it is tested: the support set is the stream, and every query is asked of the memory that it
leaves, with the last label, so that no query can depend on another. The support set is read in one random order, the
same for all tasks of a size.

Of the printed equations public code differs in details; as in most of it, the least used row is emptied, each head
writes to a row of its own, and reading follows writing.

Options:
    rows, columns: of the memory. Many rows need a large `strength`.
    heads: that read and write.
    hidden: units of the controller, an LSTM.
    strength: by which cosines are multiplied before the softmax of reading; the paper has 1, with which no row of 128
        can get more than 0.06 of the attention.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from mtl.learners.embedding import Embedding
from mtl.learners.labels import one_hot
from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.reading_order import reading_order
from mtl.learners.xavier import xavier_
from mtl.runtime.seeds import torch_generator

KEYS = ("modulate", "scope", "scale", "shift")
OPTIONS = {"rows": 32.0, "columns": 40.0, "heads": 4.0, "hidden": 200.0, "strength": 10.0}
INNER_STEPS = False
WHOLE_QUERY_SETS = True
JOINT = True

EPISODES_AT_ONCE = 50
DECAY = 0.95  # of usage, γ


class State(NamedTuple):
    """What the network has kept of a stream, for T of them.

    Attributes:
        memory: (T, rows, columns).
        reading: (T, heads, rows), the last weights of reading.
        usage: (T, rows).
        read: (T, heads · columns), what was read last.
        hidden: (T, hidden), of the controller.
        cell: (T, hidden).
    """

    memory: torch.Tensor
    reading: torch.Tensor
    usage: torch.Tensor
    read: torch.Tensor
    hidden: torch.Tensor
    cell: torch.Tensor


class Reader(nn.Module):
    """The controller with its heads."""

    def __init__(self, dimensions: int, way: int, options: dict[str, float], seed: int) -> None:
        """For features of `dimensions` values and tasks of `way` classes."""
        super().__init__()
        self.rows, self.columns, self.heads, hidden = (
            int(options[name]) for name in ("rows", "columns", "heads", "hidden")
        )
        self.strength = options["strength"]
        read = self.heads * self.columns
        self.controller = nn.LSTMCell(dimensions + way + read, hidden)
        self.keys = nn.Linear(hidden, read)
        self.gates = nn.Linear(hidden, self.heads)
        self.output = nn.Linear(hidden + read, way)
        generator = torch_generator(seed, "mann")
        xavier_(self, generator)

    def start(self, like: torch.Tensor) -> State:
        """Empty memories for (T, ...) streams; their first row was used last."""
        tasks = like.shape[0]
        used = one_hot(like.new_zeros(tasks, dtype=torch.long), self.rows).to(like.dtype)
        return State(
            memory=like.new_full((tasks, self.rows, self.columns), 1e-6),
            reading=used.unsqueeze(1).expand(-1, self.heads, -1),
            usage=used,
            read=like.new_zeros(tasks, self.heads * self.columns),
            hidden=like.new_zeros(tasks, self.controller.hidden_size),
            cell=like.new_zeros(tasks, self.controller.hidden_size),
        )

    def forward(self, features: torch.Tensor, before: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Logits (T, way) for (T, D) images, given the labels (T, way) of those before, and the next state."""
        given = torch.cat([features, before, state.read], dim=1)
        hidden, cell = self.controller(given, (state.hidden, state.cell))
        key = torch.tanh(self.keys(hidden)).unflatten(1, (self.heads, self.columns))
        gate = torch.sigmoid(self.gates(hidden)).unsqueeze(2)
        memory, reading, usage = access(state.memory, state.reading, state.usage, key, gate, self.strength)
        read = (reading @ memory).flatten(1, 2)
        logits: torch.Tensor = self.output(torch.cat([hidden, read], dim=1))
        return logits, State(memory, reading, usage, read, hidden, cell)


def access(
    memory: torch.Tensor,
    reading: torch.Tensor,
    usage: torch.Tensor,
    key: torch.Tensor,
    gate: torch.Tensor,
    strength: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Least recently used access (section 3.2): writes, then reads.

    Args:
        memory: (T, rows, columns).
        reading: (T, heads, rows), the weights of the last reading.
        usage: (T, rows).
        key: (T, heads, columns), what is written and looked for.
        gate: (T, heads, 1) in [0, 1]: write where was read last (1), or to the least used rows (0).
        strength: by which cosines are multiplied.

    Returns:
        The next memory, reading and usage.
    """
    heads, rows = reading.shape[1:]
    # In a tie the first row, so that results do not depend on the device.
    least = one_hot(usage.argsort(dim=1, stable=True)[:, :heads], rows).to(memory.dtype)
    writing = gate * reading + (1 - gate) * least
    memory = memory * (1 - least[:, 0]).unsqueeze(2) + writing.transpose(1, 2) @ key
    alike = F.normalize(key, dim=2) @ F.normalize(memory, dim=2).transpose(1, 2)
    reading = (strength * alike).softmax(dim=2)
    return memory, reading, DECAY * usage + reading.sum(dim=1) + writing.sum(dim=1)


class MemoryAugmented(Embedding):
    """Nothing adapts but the memory."""

    joint = JOINT

    def __init__(self, setup: LearnerSetup) -> None:
        """Adds controller and heads."""
        super().__init__(setup)
        self.episodes_at_once = EPISODES_AT_ONCE
        self._way, dimensions = setup.head.weight.shape
        self.theta_reader = Reader(dimensions, self._way, setup.options(OPTIONS), setup.seed)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits of queries, each asked of the memory that the support set leaves."""
        state = self.theta_reader.start(support)
        known = one_hot(labels, self._way).to(support.dtype)
        before = torch.zeros_like(known[:1]).expand(len(support), -1)
        for shot in reading_order(support.shape[1]):
            _, state = self.theta_reader(support[:, shot], before, state)
            before = known[shot].expand(len(support), -1)
        # The label of the last support comes with the query.
        queries = query.shape[1]
        states = State(*(value.repeat_interleave(queries, dim=0) for value in state))
        logits, _ = self.theta_reader(query.flatten(0, 1), before.repeat_interleave(queries, dim=0), states)
        by_task: torch.Tensor = logits.unflatten(0, query.shape[:2])
        return by_task


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return MemoryAugmented(setup)
