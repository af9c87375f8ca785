"""Steps of an outer loop that are no gradient of the loss: a loss whose gradient is the step."""

from collections.abc import Iterable, Sequence

import torch


def surrogate(loss: torch.Tensor, parameters: Iterable[torch.Tensor], steps: Iterable[torch.Tensor]) -> torch.Tensor:
    """A scalar with the value of `loss`, whose gradient by each parameter is its step.

    So an optimizer that follows gradients follows the steps, and the outer loop of all learners stays the same.

    Args:
        loss: a scalar.
        parameters: what the optimizer changes.
        steps: of the same shapes, what it is to take for the gradient.
    """
    products = torch.stack([(p * step.detach()).sum() for p, step in zip(parameters, steps, strict=True)]).sum()
    return loss.detach() + products - products.detach()


def clipped(loss: torch.Tensor, parameters: Sequence[torch.Tensor], norm: float) -> torch.Tensor:
    """A scalar with the value of `loss`, whose gradient is its own, scaled down to a global norm of at most `norm`."""
    gradients = torch.autograd.grad(loss, parameters, materialize_grads=True)
    total = torch.stack([gradient.norm() for gradient in gradients]).norm()
    scale = (norm / total).clamp(max=1)
    return surrogate(loss, parameters, [scale * gradient for gradient in gradients])
