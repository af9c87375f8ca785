"""Full context embeddings of Matching Networks (Vinyals et al. 2016, section 2.1.2 and appendix A)."""

import torch
from torch import nn

from mtl.learners.reading_order import read, reading_order
from mtl.runtime.seeds import torch_generator


class Context(nn.Module):
    """Changes the features of a task by what its support set holds.

    Of the published wirings of the attention LSTM, this is the one of most public code: what was read from the support
    set is an input, beside the query. In the paper it belongs to the state, and the recurrent matrix is D x 2 D.
    """

    def __init__(self, dimensions: int, steps: int, seed: int) -> None:
        """LSTMs of the size of a feature, with 28 D² weights; queries take `steps` looks at the support set."""
        super().__init__()
        self.steps = steps
        self.forwards, self.backwards = (nn.LSTMCell(dimensions, dimensions) for _ in range(2))
        self.query = nn.LSTMCell(2 * dimensions, dimensions)
        # Torch's own initial values, but not from the global stream.
        generator = torch_generator(seed, "matching context")
        for value in self.parameters():
            nn.init.uniform_(value, -(dimensions**-0.5), dimensions**-0.5, generator=generator)

    def forward(self, support: torch.Tensor, query: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(T, S, D) and (T, Q, D) to embeddings of the same shapes, each query without regard to the others."""
        support = self._read_supports(support)
        return support, self._attend(support, query)

    def _read_supports(self, support: torch.Tensor) -> torch.Tensor:
        """A bidirectional LSTM over the support set, plus the features themselves (appendix A.2)."""
        # The result is not equivariant to the order of classes all the same.
        order = reading_order(support.shape[1])
        sequence = [support[:, shot] for shot in order]
        forwards, backwards = read(self.forwards, sequence), read(self.backwards, sequence[::-1])[::-1]
        seen = {shot: there + back for shot, there, back in zip(order, forwards, backwards, strict=True)}
        return support + torch.stack([seen[shot] for shot in range(len(order))], dim=1)

    def _attend(self, support: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """An LSTM that reads the support set by attention at every step (equations 3 to 6)."""
        start = query.flatten(0, 1)
        hidden, cell = start, torch.zeros_like(start)
        for _ in range(self.steps):
            attention = (hidden.view_as(query) @ support.transpose(1, 2)).softmax(dim=2)
            seen = (attention @ support).flatten(0, 1)
            change, cell = self.query(torch.cat([start, seen], dim=1), (hidden, cell))
            hidden = change + start
        return hidden.view_as(query)
