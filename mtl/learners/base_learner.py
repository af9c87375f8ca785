"""The base-learner: gradient descent on a linear classifier θ, for all tasks at once (paper, equation 3)."""

import torch

from mtl.learners.labels import one_hot
from mtl.learners.learner import Head
from mtl.specs.inner_steps import InnerRate


def adapt(head: Head, features: torch.Tensor, labels: torch.Tensor, learning_rate: float, steps: int) -> Head:
    """Full-batch gradient descent on the mean cross-entropy of each task's support set.

    The gradient of softmax cross-entropy is written out, so the result is an ordinary differentiable expression:
    autograd through it gives second-order meta-gradients for the initial head and the features. Every update is a
    linear combination of support features, so the steps only update its S coefficients per class, using the inner
    products of these features, and never touch the D values of a feature.

    Args:
        head: initial θ, (way, D) and (way,), shared by all tasks.
        features: (T, S, D) support features.
        labels: (S,) their labels.
        learning_rate: β, for the mean over the support set.
        steps: number of updates.

    Returns:
        θ' of each task: (T, way, D) and (T, way).

    Examples:
        Two tasks of 3 classes with one support image each. The adapted θ' classify them, and autograd leads back to
        the θ that all tasks share:

        >>> theta = Head(torch.zeros(3, 4, requires_grad=True), torch.zeros(3))
        >>> support, labels = torch.eye(3, 4).expand(2, -1, -1), torch.arange(3)
        >>> adapted = adapt(theta, support, labels, learning_rate=0.5, steps=10)
        >>> adapted.weight.shape, adapted.bias.shape
        (torch.Size([2, 3, 4]), torch.Size([2, 3]))
        >>> logits(adapted, support).argmax(dim=2).tolist()
        [[0, 1, 2], [0, 1, 2]]
        >>> adapted.weight.sum().backward()
        >>> theta.weight.grad.shape
        torch.Size([3, 4])
    """
    tasks, support, _ = features.shape
    weight, bias = head.weight.expand(tasks, -1, -1), head.bias.expand(tasks, -1)
    targets = one_hot(labels, head.weight.shape[0]).to(features.dtype)
    # The bias is the weight of a feature that is always one.
    inner = torch.baddbmm(features.new_ones(()), features, features.transpose(1, 2))
    start = logits(Head(weight, bias), features)
    coefficients = torch.zeros_like(start)
    for _ in range(steps):
        error = torch.baddbmm(start, inner, coefficients).softmax(dim=-1) - targets
        coefficients = coefficients - learning_rate / support * error
    return Head(torch.baddbmm(weight, coefficients.transpose(1, 2), features), bias + coefficients.sum(dim=1))


def adapt_first_order(
    head: Head, features: torch.Tensor, labels: torch.Tensor, learning_rate: float, steps: int
) -> Head:
    """The θ' of `adapt`, as θ plus a constant: the meta-gradient reaches θ, but not the support features."""
    with torch.no_grad():
        adapted = adapt(head, features, labels, learning_rate, steps)
        change = Head(adapted.weight - head.weight, adapted.bias - head.bias)
    return Head(head.weight + change.weight, head.bias + change.bias)


def logits(head: Head, features: torch.Tensor) -> torch.Tensor:
    """(T, N, D) features to (T, N, way) logits, with a head per task."""
    return torch.baddbmm(head.bias.unsqueeze(1), features, head.weight.transpose(1, 2))


def mean_rate(rate: InnerRate, way: int, mirrored: bool) -> float:
    """The learning rate on the mean cross-entropy that takes the same steps as `rate` on its own reduction.

    A sum over the support set divided by the shots is `way` times the mean, and twice that if the set also contains the
    mirror image of each image.
    """
    if rate.reduction == "mean":
        return rate.learning_rate
    return rate.learning_rate * way * (2 if mirrored else 1)
