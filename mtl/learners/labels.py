"""Labels, of which learners know what they need without a look at the values: that would wait for a GPU."""

import torch
from torch.utils.weak import WeakTensorKeyDictionary

from mtl.data import tasks

_ways: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def labels_on(device: torch.device, way: int, per_class: int) -> torch.Tensor:
    """Labels (way · per_class,) for images ordered by class, of which `way_of` knows the number of classes."""
    labels = torch.from_numpy(tasks.labels(way, per_class)).to(device)
    _ways[labels] = way
    return labels


def way_of(labels: torch.Tensor) -> int:
    """How many classes labels name; of those that `labels_on` did not make, it has to look at the largest, once."""
    if labels not in _ways:
        _ways[labels] = int(labels.max()) + 1
    way: int = _ways[labels]
    return way


def one_hot(indices: torch.Tensor, count: int) -> torch.Tensor:
    """(...) indices from 0 to `count` - 1 to (..., count), true at the index.

    `F.one_hot` looks at the largest index.

    Examples:
        >>> one_hot(torch.tensor([2, 0]), 3)
        tensor([[False, False,  True],
                [ True, False, False]])
    """
    return indices.unsqueeze(-1) == torch.arange(count, device=indices.device)
