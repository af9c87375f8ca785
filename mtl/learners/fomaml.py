"""First-order MAML: the outer gradient does not go through the inner ones (Finn et al. 2017, section 5.2)."""

from mtl.learners.learner import Learner, Parts
from mtl.learners.maml import WholeNetwork


def build(parts: Parts) -> Learner:
    """The learner of a method."""
    return WholeNetwork(parts, second_order=False)
