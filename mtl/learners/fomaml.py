"""First-order MAML: the outer gradient does not flow through the inner ones (Finn et al. 2017, section 5.2)."""

from mtl.learners.learner import Learner, LearnerSetup
from mtl.learners.maml import WholeNetwork

KEYS = ("theta_init",)
INNER_STEPS = True
WHOLE_QUERY_SETS = True


def build(setup: LearnerSetup) -> Learner:
    """The learner of a method."""
    return WholeNetwork(setup, second_order=False)
