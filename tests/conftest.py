"""Small but real things to test with: rendered letters, a tiny network, a pre-trained file."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mtl.data.episodes import read_episodes, write_episodes
from mtl.data.image_set import load_split
from mtl.data.images_of import with_images
from mtl.data.prepare import PreparePaths, prepare
from mtl.data.split import read_class_list, write_split
from mtl.learners.build import build_learner
from mtl.load import read_yaml
from mtl.networks import BACKBONES
from mtl.networks.weights import save_tensors
from mtl.runtime.device import Device
from mtl.spec import BaseLearner, EpisodesSpec, Method, Network, PrepareSpec

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "config"
NETWORK = Network("resnet12", 2, 16)
CONV4 = Network("conv4", 2, 16)
BASE_LEARNER = BaseLearner(0.05, 5)
CPU = Device(torch.device("cpu"), torch.float32)

os.environ["MPLBACKEND"] = "Agg"


def method(name):
    """A row of config/methods.yaml."""
    row = read_yaml(ROOT / "config/methods.yaml")[name]
    return Method(name=name, **{key: value for key, value in row.items() if key != "label"})


def build(tiny, name, device=CPU, base_learner=BASE_LEARNER, batch_norm="running", **options):
    """A learner of a method, on the tiny network; one that starts from random weights on a tiny 4CONV."""
    row = method(name)
    if not row.pretrained:
        return build_learner(row, CONV4, "episode", None, 5, base_learner, 0, device, **options)
    theta = tiny / "theta.safetensors"
    return build_learner(row, NETWORK, batch_norm, theta, 5, base_learner, 0, device, **options)


def put(config, path, value):
    """Sets a value of a config by its dotted path."""
    *parents, last = path.split(".")
    for parent in parents:
        config = config[parent]
    config[last] = value


ALL_METHODS = sorted(read_yaml(ROOT / "config/methods.yaml"))


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A folder with 10 + 5 + 5 classes of 24 letters at 16 px: split.csv, images.npy, val.npz, test.npz, theta."""
    folder = tmp_path_factory.mktemp("tiny")
    classes = read_class_list(ROOT / "config/splits/glyphs.csv")
    few = {split: dict(list(names.items())[: 10 if split == "train" else 5]) for split, names in classes.items()}
    write_split(with_images(few, 24, None), folder / "split.csv")
    files = (folder / name for name in ("images.npy", "samples.png", "summary.json"))
    prepare(PrepareSpec("glyphs", 0, 16), PreparePaths(folder / "split.csv", None, *files))
    for split in ("val", "test"):
        write_episodes(EpisodesSpec(split, 5, 1, 3, 12, 0), folder / "split.csv", folder / f"{split}.npz")
    torch.manual_seed(0)
    backbone = BACKBONES[NETWORK.name](NETWORK.width)
    save_tensors(backbone.state_dict(), folder / "theta.safetensors")
    return folder


@pytest.fixture(scope="session")
def train_images(tiny):
    return load_split(tiny / "images.npy", tiny / "split.csv", "train", torch.device("cpu"))


@pytest.fixture(scope="session")
def test_images(tiny):
    return load_split(tiny / "images.npy", tiny / "split.csv", "test", torch.device("cpu"))


@pytest.fixture(scope="session")
def test_episodes(tiny, test_images):
    return read_episodes(tiny / "test.npz", test_images)


@pytest.fixture
def config():
    return read_yaml(CONFIG / "config.yaml")


@pytest.fixture
def others():
    return [read_yaml(CONFIG / f"{name}.yaml") for name in ("methods", "datasets", "tables")]


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
