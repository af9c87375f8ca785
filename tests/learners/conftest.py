import pytest

from tests.helpers.learners import TRANSFORMER


@pytest.fixture(params=[None, TRANSFORMER], ids=["convolutions", "transformer"])
def network(request):
    """The tiny network of a learner; None is its usual one, which has convolutions."""
    return request.param
