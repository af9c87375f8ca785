"""Classification by the nearest class mean, which learns nothing and has no settings."""

import torch

from mtl.learners.labels import way_of


def nearest_mean(support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """Minus the squared Euclidean distance to each class mean, as logits.

    Args:
        support: (T, S, D) features, ordered by class.
        labels: (S,) their labels.
        query: (T, Q, D) features.

    Returns:
        Logits (T, Q, way).

    Examples:
        One task of two classes, whose means are (0, 1) and (4, 0):

        >>> support = torch.tensor([[[0.0, 0.0], [0.0, 2.0], [3.0, 0.0], [5.0, 0.0]]])
        >>> query = torch.tensor([[[0.0, 2.0], [4.0, 1.0]]])
        >>> nearest_mean(support, torch.tensor([0, 0, 1, 1]), query)
        tensor([[[ -1., -20.],
                 [-16.,  -1.]]])
    """
    origin = support.mean(dim=1, keepdim=True)
    return _minus_squared_distances(class_means(support - origin, labels), query - origin)


def nearest_of(points: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """The same for one point (T, way, D) of each class: (T, Q, way)."""
    origin = points.mean(dim=1, keepdim=True)
    return _minus_squared_distances(points - origin, query - origin)


def _minus_squared_distances(points: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """They do not depend on the origin, but their digits do.

    About the mean of the support set, the products are as small as the distances; elsewhere they cancel, and lose the
    digits that tell features of nearly one direction apart.
    """
    squares = points.square().sum(dim=2).unsqueeze(1) + query.square().sum(dim=2, keepdim=True)
    return torch.baddbmm(squares, query, points.transpose(1, 2), beta=-1, alpha=2)


def class_means(support: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(T, S, ...) ordered by class to the mean of each class, (T, way, ...)."""
    return support.unflatten(1, (way_of(labels), -1)).mean(dim=2)  # type: ignore[no-any-return]
