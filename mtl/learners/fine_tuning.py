"""Fine-tuning of [Θ;θ] or [Θ4;θ] within each task, where features may be held to what they were.

Options: `adapted`, the blocks of Θ that move, `all` or the `last` one; `drift`, the λ ≥ 0 of the loss of a task,

    mean CE(support) + λ · mean_i ½ |f_Θ'(x_i) − f_Θ(x_i)|² / D, over the images x_i of the support set.

That is the regulariser of DELTA (Li et al. 2019) without its attention, on the last features alone. It is divided by D
so that a λ means the same for every backbone; DELTA does not divide. With λ = 0 and `all` this is `update-all`; with
λ → ∞ it is `update-head`.

λ multiplies the curvature of its term, so that plain gradient descent would diverge for large λ. The step of Θ is
therefore divided by 1 + λ; that of θ, on which the term does not depend, is not.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.maml import EPISODES_AT_ONCE, tasks_at_once
from mtl.networks.backbone import to_unit_interval

KEYS = ("theta_init",)
INNER_STEPS = True
WHOLE_QUERY_SETS = True
OPTIONS = {"adapted": ("all", "last"), "drift": 0.0}

Parameters = dict[str, torch.Tensor]
# From the parameters within a task, and the features (S, D) that they give its support set, to a scalar.
FeatureTerm = Callable[[Parameters, torch.Tensor], torch.Tensor]


class FineTuning(Learner):
    """Gradient descent on θ and the upper blocks of Θ; every task has its own copy of them."""

    def __init__(self, setup: LearnerSetup, adapted: str, weight: float) -> None:
        """Adapts `all` blocks or the `last`; `weight` is the λ of `feature_term`."""
        super().__init__()
        self.steps = setup.steps
        self.episodes_at_once = EPISODES_AT_ONCE
        self._device = setup.device
        self._bankable = setup.batch_norm == "running"
        self._rate, self._weight = setup.learning_rate, weight
        self._backbone_rate = self._rate / (1 + weight)
        # When stacked by task, weights in channels-last order would be copied at every use.
        self.backbone = setup.backbone.eval().to(memory_format=torch.contiguous_format)
        self.backbone.set_batch_norm(setup.batch_norm)
        self.theta_weight, self.theta_bias = nn.Parameter(setup.head.weight), nn.Parameter(setup.head.bias)
        self.requires_grad_(False)
        self._first = len(self.backbone.blocks) - 1 if adapted == "last" else 0
        self._size = sum(value.numel() for value in self.backbone.blocks[self._first :].parameters())

    def bank(self, images: torch.Tensor) -> torch.Tensor:
        """Output of the last frozen block; the images themselves if nothing is frozen, or if their set matters."""
        return self._frozen(images) if self._bankable else images

    def embed(self, banked: torch.Tensor) -> torch.Tensor:
        """What is banked: features depend on the task."""
        return banked

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, ...) outputs of the frozen blocks, or images if there are none, to (N, D) features."""
        # In float32, because autocast reaches only some operations under `vmap`.
        x = x.to(self.theta_weight.dtype) if self._first else to_unit_interval(x)
        features: torch.Tensor = self.backbone.run(x, self._first, len(self.backbone.blocks))
        return features

    def after_frozen(self, banked: torch.Tensor) -> torch.Tensor:
        """(T, N, ...) banked images to outputs of the frozen blocks, where those depend on the N of a task."""
        if self._bankable:
            return banked
        tasks, count = banked.shape[:2]
        outputs: torch.Tensor = self._frozen(banked.flatten(0, 1), [count] * tasks).unflatten(0, (tasks, count))
        return outputs

    def features(self, parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
        """The features (N, D) under the parameters of a task."""
        embedded: torch.Tensor = functional_call(self, parameters, (x,))
        return embedded

    def feature_term(self, initial: Parameters, support: torch.Tensor, query: torch.Tensor) -> FeatureTerm:
        """What λ multiplies in the loss of a task, whose sets are (S, ...) and (Q, ...)."""
        before = self.features(initial, support)
        return lambda _, features: drift(features, before)

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits of the networks adapted to each task."""
        support, query = self.after_frozen(support), self.after_frozen(query)
        frozen = tuple(f"backbone.blocks.{block}." for block in range(self._first))
        initial: Parameters = {name: value for name, value in self.named_parameters() if not name.startswith(frozen)}
        rates = {name: self._rate if name.startswith("theta_") else self._backbone_rate for name in initial}

        def one_task(support: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
            term = self.feature_term(initial, support, query) if self._weight else None

            def loss(parameters: Parameters) -> torch.Tensor:
                features = self.features(parameters, support)
                error = F.cross_entropy(_logits(parameters, features), labels)
                return error if term is None else error + self._weight * term(parameters, features)

            parameters = dict(initial)
            for _ in range(self.steps):
                gradient = grad(loss)(parameters)
                parameters = {name: value - rates[name] * gradient[name] for name, value in parameters.items()}
            return _logits(parameters, self.features(parameters, query))

        logits: torch.Tensor = vmap(one_task, chunk_size=tasks_at_once(query, self._size))(support, query)
        return logits

    def _frozen(self, images: torch.Tensor, sets: list[int] | None = None) -> torch.Tensor:
        if self._first == 0:
            return images
        with torch.no_grad(), self._device.autocast():
            return self.backbone.run(to_unit_interval(images), 0, self._first, sets)


def _logits(parameters: Parameters, features: torch.Tensor) -> torch.Tensor:
    return F.linear(features, parameters["theta_weight"], parameters["theta_bias"])


def drift(features: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """Half the squared distance between (N, D) features and what they were, a mean over the N images and D values."""
    return (features - before).square().mean() / 2


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    options = setup.options(OPTIONS)
    return FineTuning(setup, options["adapted"], options["drift"])
