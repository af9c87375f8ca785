"""Small but real fixtures: rendered letters, a tiny network, a pre-trained file."""

import os

import numpy as np
import pytest
import torch

from mtl.data.glyphs import rendered
from mtl.data.image_set import load_split
from mtl.data.images_of import numbered_images
from mtl.data.prepare import PreparePaths, prepare
from mtl.data.split import read_class_list, write_split
from mtl.data.stored_episodes import read_episodes, write_episodes
from mtl.experiment.load import OTHERS
from mtl.experiment.project import read_yaml
from mtl.networks.weights import new_backbone, save_tensors
from mtl.specs.drawing import EpisodesSpec
from mtl.specs.preparing import PrepareSpec
from tests.helpers.learners import CONFIG, NETWORK, STORED, TRANSFORMER, theta_of

os.environ["MPLBACKEND"] = "Agg"


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A folder with 10 + 5 + 5 classes of 24 letters at 16 px: split.csv, images.npy, val.npz, test.npz, thetas."""
    folder = tmp_path_factory.mktemp("tiny")
    classes = read_class_list(CONFIG / "splits/glyphs.csv")
    few = {split: dict(list(names.items())[: 10 if split == "train" else 5]) for split, names in classes.items()}
    write_split(numbered_images(few, 24), folder / "split.csv")
    files = (folder / name for name in ("images.npy", "samples.png", "summary.json"))
    spec = PrepareSpec(dataset="glyphs", seed=0, size=16)
    prepare(spec, PreparePaths(folder / "split.csv", *files), lambda rows: rendered(spec, rows))
    for split in ("val", "test"):
        write_episodes(
            EpisodesSpec(split=split, way=5, shot=1, query=3, count=12, seed=0),
            folder / "split.csv",
            folder / f"{split}.npz",
        )
    for network in (NETWORK, TRANSFORMER):
        torch.manual_seed(0)
        save_tensors(new_backbone(network).state_dict(), theta_of(folder, network))
    return folder


@pytest.fixture(scope="session")
def train_images(tiny):
    return load_split(tiny / "images.npy", tiny / "split.csv", "train", torch.device("cpu"))


@pytest.fixture(scope="session")
def test_images(tiny):
    return load_split(tiny / "images.npy", tiny / "split.csv", "test", torch.device("cpu"))


@pytest.fixture(scope="session")
def test_episodes(tiny, test_images):
    return read_episodes(tiny / "test.npz", test_images, STORED)


@pytest.fixture
def config():
    return read_yaml(CONFIG / "config.yaml")


@pytest.fixture
def others():
    return {name: read_yaml(CONFIG / f"{name}.yaml") for name in OTHERS}


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
