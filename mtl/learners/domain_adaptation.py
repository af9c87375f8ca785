"""Fine-tuning within each task that draws its features to those of the training classes (DAN, Long et al. 2015).

Options: `adapted`, the blocks of Θ that move, `all` or the `last` one; `mmd`, the λ ≥ 0 of the loss of a task,

    mean CE(support) + λ · MMD²(features of support and query, features of training classes).

It is transductive: queries take part, without their labels. Features are the last ones of Θ. Those of the training
classes stay as Θ has them; in DAN they move too, under a loss with their labels. With λ = 0 and `all` this is
`update-all`.

MMD² is the biased estimate, which is never negative, with the five Gaussian kernels of the authors' library. It is
bounded, so the step of Θ is that of θ, whatever λ.
"""

import torch
from torch.func import vmap

from mtl.learners.fine_tuning import FeatureTerm, FineTuning, Parameters
from mtl.learners.learner import Learner, LearnerSetup

KEYS = ("theta_init",)
INNER_STEPS = True
WHOLE_QUERY_SETS = True
OPTIONS = {"adapted": ("all", "last"), "mmd": 1.0}

SOURCE_IMAGES = 256
# Bandwidths 2σ² of the kernels, in units of the mean squared distance: σ² = 2^u of them, for u = -3 to 1.
BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)


class DomainAdaptation(FineTuning):
    """Fine-tuning whose feature term compares all images of a task with a sample of the training classes."""

    source_images = SOURCE_IMAGES
    _source: torch.Tensor
    _source_features: torch.Tensor

    def __init__(self, setup: LearnerSetup, adapted: str, weight: float) -> None:
        """Adapts `all` blocks or the `last`; `weight` is λ."""
        super().__init__(setup, adapted, weight)
        self._backbone_rate = self._rate

    def see_source(self, banked: torch.Tensor) -> None:
        """Keeps (N, ...) banked images of training classes; their sets are known when a task is."""
        self._source = banked

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """Logits of the networks adapted to each task."""
        # Under `episode` statistics, these are sets of about the size of a query set.
        sets = self._source.tensor_split(max(1, len(self._source) // query.shape[1]))
        self._source_features = torch.cat([self._of_set(images) for images in sets])
        return super().predict(support, labels, query)

    def feature_term(self, initial: Parameters, support: torch.Tensor, query: torch.Tensor) -> FeatureTerm:
        """MMD² between all features of a task, whose sets are (S, ...) and (Q, ...), and the training classes'."""
        return lambda parameters, features: squared_mmd(
            torch.cat([features, self.features(parameters, query)]), self._source_features
        )

    def _of_set(self, images: torch.Tensor) -> torch.Tensor:
        # As a task of its own, so that its precision is that of tasks.
        features: torch.Tensor = vmap(self)(self.after_frozen(images.unsqueeze(0)))
        return features.squeeze(0)


def squared_mmd(target: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """The biased estimate of MMD² from (N, D) and (M, D) features, summed over the kernels.

    Bandwidths follow the mean squared distance of all pairs of the joint sample, of an image with itself too. They are
    constants for the gradient: shrinking all features lowers nothing.
    """
    joint = torch.cat([target, source])
    # Distances do not depend on the origin; about their mean, the products of features lose fewer digits.
    joint = joint - joint.mean(dim=0).detach()
    squares = joint.square().sum(dim=1)
    distances = (squares.unsqueeze(1) + squares - 2 * joint @ joint.T).clamp_min(0)
    mean = distances.detach().mean().clamp_min(torch.finfo(joint.dtype).tiny)
    kernel = torch.stack([torch.exp(-distances / (bandwidth * mean)) for bandwidth in BANDWIDTHS]).sum(dim=0)
    own, other = kernel.split([len(target), len(source)])
    count = len(target)
    mmd: torch.Tensor = own[:, :count].mean() + other[:, count:].mean() - 2 * own[:, count:].mean()
    return mmd


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    options = setup.options(OPTIONS)
    return DomainAdaptation(setup, options["adapted"], options["mmd"])
