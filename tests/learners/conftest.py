import pytest
import torch

from tests.helpers.learners import TRANSFORMER


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture(params=[None, TRANSFORMER], ids=["convolutions", "transformer"])
def network(request):
    """The tiny network of a learner; None is its usual one, which has convolutions."""
    return request.param
