"""The nearest centroid of frozen features: nothing is learned or adapted.

The option `transform` says what happens to the features before centroids are taken. With Euclidean distances, these are
the three classifiers of SimpleShot (Wang et al. 2019):

- `none` (its UN): nothing;
- `l2` (L2N): features are divided by their norm;
- `cl2` (CL2N): the mean feature of the training classes is subtracted, then they are divided by their norm.

Shots are averaged afterwards, and their average is not normalised again. `cosine` is the cosine to the mean of plain
features, as Meta-Baseline measures it (Chen et al. 2021).

Under `episode` statistics, support and query of a task are one set, which makes the learner transductive. The images of
the training classes are then embedded in sets of about that size.
"""

import torch
from torch.nn import functional as F

from mtl.learners.embedding import Embedding
from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.nearest_mean import class_means, nearest_mean

KEYS = ()
INNER_STEPS = False
WHOLE_QUERY_SETS = True
JOINT = True
OPTIONS = {"transform": ("none", "l2", "cl2", "cosine")}

SOURCE_IMAGES = 2048


class NearestCentroid(Embedding):
    """Compares each query with the mean of each class."""

    joint = JOINT
    _source: torch.Tensor

    def __init__(self, setup: LearnerSetup, transform: str) -> None:
        """Asks for images of the training classes if `transform` needs their mean feature."""
        super().__init__(setup)
        self._transform = transform
        if transform == "cl2":
            self.source_images = SOURCE_IMAGES

    def see_source(self, banked: torch.Tensor) -> None:
        """Keeps (N, ...) banked images of training classes; their sets are known when a task is."""
        self._source = banked

    def predict(self, support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """The cosine to each class mean, or minus the squared distance."""
        if self._transform == "cosine":
            means = F.normalize(class_means(support, labels), dim=2)
            return F.normalize(query, dim=2) @ means.transpose(1, 2)
        if self._transform == "cl2":
            center = self._source_mean(support.shape[1] + query.shape[1])
            support, query = support - center, query - center
        if self._transform != "none":
            support, query = F.normalize(support, dim=2), F.normalize(query, dim=2)
        return nearest_mean(support, labels, query)

    def _source_mean(self, size: int) -> torch.Tensor:
        """The mean feature (D,) of the training classes, embedded in sets of about `size` images."""
        # Sets of nearly equal sizes: a short last one would have statistics of its own.
        sets = self._source.tensor_split(max(1, len(self._source) // size))
        return torch.cat([self.embed(images.unsqueeze(0)).squeeze(0) for images in sets]).mean(dim=0)


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return NearestCentroid(setup, setup.options(OPTIONS)["transform"])
