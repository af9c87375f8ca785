import pytest
import torch

from mtl.learners.domain_adaptation import squared_mmd
from tests.learners.transfer import learner_of, logits_of, sets_of, slow_fine_tuning

pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture
def samples():
    torch.manual_seed(0)
    return torch.randn(5, 3, requires_grad=True), (2 * torch.randn(7, 3) + 1).requires_grad_()


def test_an_example_computed_by_hand():
    target, source = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [3.0]])
    assert squared_mmd(target, source).item() == pytest.approx(1.496329, abs=1e-6)


def slow_mmd(target, source):
    """Pair by pair. Bandwidths are plain numbers, so they have no gradient."""
    joint = [*target, *source]
    mean = sum(((x - y) ** 2).sum().item() for x in joint for y in joint) / len(joint) ** 2

    def kernel(x, y):
        return sum(torch.exp(-((x - y) ** 2).sum() / (2 * 2**u * mean)) for u in (-3, -2, -1, 0, 1))

    def average(xs, ys):
        return sum(kernel(x, y) for x in xs for y in ys) / (len(xs) * len(ys))

    return average(target, target) + average(source, source) - 2 * average(target, source)


def test_equals_one_pair_after_another_with_gradients(samples):
    ours, slow = (mmd(*samples) for mmd in (squared_mmd, slow_mmd))
    assert ours.item() == pytest.approx(slow.item(), rel=1e-10)
    for one, other in zip(torch.autograd.grad(ours, samples), torch.autograd.grad(slow, samples), strict=True):
        assert one.abs().max() > 1e-3
        assert (one - other).abs().max() < 1e-10


def test_the_scale_and_origin_of_features_are_without_effect(samples):
    target, source = samples
    assert torch.allclose(squared_mmd(target / 9 + 4, source / 9 + 4), squared_mmd(target, source))


def test_float32_keeps_its_digits_far_from_the_origin(samples):
    target, source = (sample.detach() / 8 + 64 for sample in samples)
    assert squared_mmd(target.float(), source.float()).item() == pytest.approx(
        squared_mmd(target, source).item(), rel=1e-3
    )


def test_a_sample_has_no_distance_from_itself(samples):
    assert squared_mmd(samples[1], samples[1]).abs() < 1e-12


def test_equal_features_have_no_distance_however_they_are_rounded():
    torch.manual_seed(0)
    for features in [torch.zeros(1, 800), *torch.randn(50, 1, 800)]:
        features = features.float()
        target, source = features.repeat(5, 1).requires_grad_(), features.repeat(8, 1)
        mmd = squared_mmd(target, source)
        assert mmd.abs() < 1e-5
        assert torch.autograd.grad(mmd, target)[0].isfinite().all()


@pytest.mark.parametrize("statistics", ["running", "episode"])
@pytest.mark.parametrize(("adapted", "blocks"), [("all", 4), ("last", 1)])
def test_equals_a_loop_of_plain_gradient_descent(tiny, train_images, test_images, adapted, blocks, statistics):
    """The source, of 32 images for tasks of 15 queries, has two sets."""
    source, weight = train_images.images[::7][:32], 3.0
    learner, sets = learner_of(tiny, "mmd", statistics, source, adapted=adapted, mmd=weight), sets_of(test_images)
    features = torch.cat([learner.backbone(part.double() / 255) for part in source.split(16)])
    for support, query, ours in zip(*sets, logits_of(learner, *sets), strict=True):

        def term(network, after, query=query):
            return squared_mmd(torch.cat([after, network(query.double() / 255)]), features)

        assert (ours - slow_fine_tuning(learner, support, query, blocks, weight, term)).abs().max() < 1e-10


@pytest.mark.parametrize("statistics", ["running", "episode"])
def test_without_mmd_it_is_update_all(tiny, train_images, test_images, statistics):
    sets, source = sets_of(test_images), train_images.images[::7]
    ours, drawn = (logits_of(learner_of(tiny, "mmd", statistics, source, mmd=weight), *sets) for weight in (0.0, 1.0))
    other = logits_of(learner_of(tiny, "update-all", statistics), *sets)
    assert torch.equal(ours, other)
    assert not torch.allclose(drawn, other, atol=1e-4)
