"""Small networks and learners of every method."""

from pathlib import Path

import torch

from mtl.experiment.project import read_yaml
from mtl.learners.build import InnerLoop, build_learner
from mtl.networks.weights import new_backbone
from mtl.runtime.device import Device
from mtl.specs.computing import Runtime
from mtl.specs.drawing import Stored
from mtl.specs.inner_steps import InnerRate
from mtl.specs.methods import NamedMethod
from mtl.specs.networks import Network
from mtl.specs.reading import spec_of

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
ROWS = read_yaml(CONFIG / "methods.yaml")
ALL_METHODS = sorted(ROWS)
NETWORK = Network(name="resnet12", width=2, image_size=16)
CONV4 = Network(name="conv4", width=2, image_size=16)
TRANSFORMER = Network(name="transformer", width=16, image_size=16)
RUNTIME = Runtime(device="cpu", dtype="float32", threads=1)
STORED = Stored(count=12, query=3)
CPU = Device(torch.device("cpu"), torch.float32)


def inner_loop(rate=0.05, steps=5):
    """Some steps on the mean loss."""
    return InnerLoop(InnerRate(learning_rate=rate, reduction="mean"), steps)


BASE_LEARNER = inner_loop()


def method(name):
    """A row of config/methods.yaml."""
    return spec_of(NamedMethod, {"name": name, **ROWS[name]})


def theta_of(tiny, network):
    """The file of the pre-trained weights of a tiny network."""
    return tiny / ("theta.safetensors" if network == NETWORK else f"{network.name}.safetensors")


def build(tiny, name, device=CPU, base_learner=BASE_LEARNER, batch_norm="running", network=None, **options):
    """A learner of a method on a tiny network: by default ResNet-12, or 4CONV if it starts from random weights."""
    row = method(name)
    if not row.pretrained:
        return build_learner(row, network or CONV4, "episode", None, 5, base_learner, 0, device, **options)
    network = network or NETWORK
    theta = theta_of(tiny, network)
    return build_learner(row, network, batch_norm, theta, 5, base_learner, 0, device, **options)


def backbone(name, width, dropout=0.0):
    """A backbone with random weights."""
    return new_backbone(Network(name=name, width=width, image_size=16), dropout)


def put(config, path, value):
    """Sets a value of a config by its dotted path."""
    *parents, last = path.split(".")
    for parent in parents:
        config = config[parent]
    config[last] = value
