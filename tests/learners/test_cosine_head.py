import dataclasses

import pytest
import torch
from torch.nn import functional as F

from mtl.learners import build_learner
from mtl.runtime.errors import UserError
from tests.helpers.learners import CPU, NETWORK, inner_loop, method
from tests.learners.transfer import LABELS, RATE, STEPS, learner_of

pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture
def features():
    torch.manual_seed(0)
    return torch.randn(3, 10, 16), torch.randn(3, 6, 16)


def test_unit_norms_bound_the_probability_of_one_of_five_classes(tiny):
    learner = learner_of(tiny, "baseline-pp", steps=0)
    z = F.normalize(torch.randn(16), dim=0)
    learner.theta_weight.data = torch.stack([z, -z, -z, -z, -z])
    logits = learner.predict(torch.randn(1, 10, 16), LABELS, 7 * z[None, None])
    assert logits.softmax(dim=2)[0, 0, 0].item() == pytest.approx(0.9317, abs=1e-4)


def test_learned_norms_lift_that_bound(tiny):
    learner = learner_of(tiny, "baseline-pp", steps=300, rate=0.5)
    support = torch.eye(16)[:5].repeat_interleave(2, dim=0).unsqueeze(0)
    probabilities = learner.predict(support, LABELS, support).softmax(dim=2)
    assert probabilities[0, range(10), LABELS].min() > 0.9317


def test_equals_an_autograd_loop(tiny, features):
    learner = learner_of(tiny, "baseline-pp")
    ours = learner.predict(features[0], LABELS, features[1])
    for task, (support, query) in enumerate(zip(*features, strict=True)):
        weight = learner.theta_weight.clone().requires_grad_()
        norm = weight.detach().norm(dim=1).requires_grad_()

        def logits(x, weight=weight, norm=norm):
            return 2 * torch.stack([n * F.cosine_similarity(x, w[None]) for w, n in zip(weight, norm, strict=True)], 1)

        optimizer = torch.optim.SGD([weight, norm], lr=RATE)
        for _ in range(STEPS):
            optimizer.zero_grad()
            F.cross_entropy(logits(support), LABELS).backward()
            optimizer.step()
        assert (ours[task] - logits(query)).abs().max() < 1e-10


def test_gradients_flow_through_the_steps(tiny, features):
    learner = learner_of(tiny, "baseline-pp")
    sets = [images[:1, :, :3].clone().requires_grad_() for images in features]
    learner.theta_weight.data = learner.theta_weight.data[:, :3]
    assert torch.autograd.gradcheck(lambda support, query: learner.predict(support, LABELS, query), sets)


def test_lengths_of_features_are_without_effect(tiny, features):
    learner, (support, query) = learner_of(tiny, "baseline-pp"), features
    longer = learner.predict(support * torch.rand(3, 10, 1), LABELS, 5 * query)
    assert (longer - learner.predict(support, LABELS, query)).abs().max() < 1e-10


def test_a_zero_theta_has_no_direction(tiny):
    row = dataclasses.replace(method("baseline-pp"), theta_init="zero")
    with pytest.raises(UserError, match="'zero' has no direction"):
        build_learner(row, NETWORK, "running", tiny / "theta.safetensors", 5, inner_loop(), 0, CPU)
