"""Losses of five steps on a tiny fixed network in float64: a change of behaviour anywhere below shows here."""

import numpy as np
import pytest
import torch
from torch import nn

from mtl.data.tasks import TaskShape, draw_uniform
from mtl.evaluation.scoring import bank
from mtl.learners import build_learner
from mtl.networks.weights import features_of, save_tensors
from mtl.runtime.device import Device
from mtl.specs.networks import Network
from mtl.training.meta_step import MetaStep
from mtl.training.pretrain import pretrain_step
from tests.helpers.learners import backbone, inner_loop, method

DEVICE = Device(torch.device("cpu"), torch.float64)
GOLDEN = {
    "fomaml": [1.097312556432, 1.089650217612, 1.092197773239, 1.082173177459, 1.085878776153],
    "ft-all": [1.157196844711, 1.101775234412, 1.103664413942, 1.099850312831, 1.098518006686],
    "ft-head": [1.157196844711, 1.143018538069, 1.131592563534, 1.122206296868, 1.115406585519],
    "ft-last": [1.157196844711, 1.105807983755, 1.100061432498, 1.100886739667, 1.099432021947],
    "maml": [1.097312556432, 1.086079283498, 1.090046422038, 1.072541895889, 1.086329203497],
    "pretrain conv4": [1.794272374602, 1.791293421736, 1.788728922336, 1.784728901687, 1.779643024829],
    "pretrain resnet12": [1.805730505566, 1.503411078236, 1.433622691368, 1.273706172791, 1.206527992597],
    "ss-all": [1.157196844711, 1.125130960994, 1.107527996285, 1.099324579595, 1.100376615063],
    "ss-last": [1.157196844711, 1.128765397156, 1.111928082849, 1.102784482982, 1.100447318289],
}  # fmt: skip
pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture
def images():
    """Six classes of eight noise images, each class with its own brightness."""
    rng = np.random.default_rng(0)
    brightness = rng.uniform(40, 160, size=(6, 1, 3, 1, 1))
    pixels = brightness + rng.uniform(0, 90, size=(6, 8, 3, 16, 16))
    return torch.from_numpy(pixels.astype(np.uint8)).flatten(0, 1)


def fixed(network):
    """Weights from NumPy's generator, so that they do not depend on torch's."""
    rng = np.random.default_rng(1)
    for name, value in network.state_dict().items():
        numbers = rng.uniform(-0.2, 0.2, size=tuple(value.shape))
        value.copy_(torch.from_numpy(np.abs(numbers) + 0.5 if name.endswith("variance") else numbers))
    return network


@pytest.mark.parametrize("name", ["resnet12", "conv4"])
def test_pretraining(images, name):
    torch.manual_seed(0)
    theta = fixed(backbone(name, 2))
    network = nn.Sequential(theta, nn.Linear(features_of(theta, 16), 6))
    fixed(network[1])
    labels = torch.arange(6).repeat_interleave(8)
    optimizer = torch.optim.Adam(network.parameters())
    losses = [pretrain_step(network, optimizer, 1e-2, DEVICE, images, labels)[0].item() for _ in range(5)]
    assert losses == pytest.approx(GOLDEN[f"pretrain {name}"], rel=1e-9)


@pytest.mark.parametrize("name", ["ft-head", "ft-last", "ft-all", "ss-last", "ss-all", "maml", "fomaml"])
def test_meta_training(images, tmp_path, name):
    row = method(name)
    network = Network(name="resnet12" if row.pretrained else "conv4", width=2, image_size=16)
    save_tensors(fixed(backbone(network.name, 2)).state_dict(), tmp_path / "theta.safetensors")
    statistics = "running" if row.pretrained else "episode"
    learner = build_learner(row, network, statistics, tmp_path / "theta.safetensors", 3, inner_loop(), 0, DEVICE)
    fixed_head = np.random.default_rng(2).uniform(-0.5, 0.5, size=tuple(learner.theta_weight.shape))
    learner.theta_weight.data = torch.from_numpy(fixed_head)
    shape, rng = TaskShape(3, 1, 4), np.random.default_rng(3)
    rows = [np.arange(8) + 8 * label for label in range(6)]
    step, banked = MetaStep(learner, shape, DEVICE.torch_device), bank(learner, images)
    losses = [step(banked, draw_uniform(rows, shape, 2, rng), 1e-2)[0].item() for _ in range(5)]
    assert losses == pytest.approx(GOLDEN[name], rel=1e-9)
