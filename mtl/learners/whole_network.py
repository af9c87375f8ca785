"""Learners that adapt the whole network [Θ;θ] to each task, as `update-all` does."""

import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from mtl.learners.base_learner import Head
from mtl.learners.learner import Learner, to_unit_interval
from mtl.networks.backbone import Backbone
from mtl.networks.batch_norm import BatchNorm
from mtl.runtime.device import Device

# Weights of all tasks that run together. With more, the convolutions grouped by task fall out of a processor's cache
# and become slower than one task after another.
WEIGHTS_AT_ONCE = 1_300_000


class WholeNetwork(Learner):
    """Gradient descent on all of [Θ;θ] within each task; every task has its own copy, all run as one batch."""

    def __init__(self, backbone: Backbone, head: Head, device: Device, *, learning_rate: float, steps: int) -> None:
        """Takes a pre-trained backbone and an initial θ; β is `learning_rate`, for the mean over the support set."""
        super().__init__()
        weights = sum(parameter.numel() for parameter in backbone.parameters())
        self.steps, self.episodes_at_once = steps, max(1, WEIGHTS_AT_ONCE // weights)
        self._learning_rate, self._device = learning_rate, device
        self.backbone = backbone.requires_grad_(False).eval()
        for module in backbone.modules():
            if isinstance(module, BatchNorm):
                module.casts_input = True
        self.theta_weight = nn.Parameter(head.weight, requires_grad=False)
        self.theta_bias = nn.Parameter(head.bias, requires_grad=False)

    def bank(self, images: torch.Tensor) -> torch.Tensor:
        """The images: nothing is frozen."""
        return images

    def embed(self, banked: torch.Tensor) -> torch.Tensor:
        """The images: what they become depends on the task."""
        return banked

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) uint8 to (N, way) logits."""
        with self._device.autocast():
            features = self.backbone(to_unit_interval(images))
        return F.linear(features.to(self.theta_weight.dtype), self.theta_weight, self.theta_bias)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits of the networks adapted to each task."""
        initial = dict(self.named_parameters())

        def support_loss(parameters: dict[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(functional_call(self, parameters, (images,)), labels)

        def one_task(support: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
            parameters: dict[str, torch.Tensor] = dict(initial)
            for _ in range(self.steps):
                gradient = grad(support_loss)(parameters, support)
                parameters = {name: value - self._learning_rate * gradient[name] for name, value in parameters.items()}
            logits: torch.Tensor = functional_call(self, parameters, (query,))
            return logits

        logits: torch.Tensor = vmap(one_task)(support, query)
        return logits
