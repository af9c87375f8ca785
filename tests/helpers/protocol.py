"""Cells compared with what the paper's numbers were made with."""

from mtl.experiment.grid import Grid
from mtl.experiment.paper_protocol import PaperProtocol
from mtl.experiment.project import Project, read_yaml
from mtl.specs.checking import checked
from mtl.specs.config import Config
from mtl.specs.datasets import DatasetFile
from mtl.specs.methods import MethodFile
from mtl.specs.published_protocol import Protocol
from tests.helpers.experiments import content_of
from tests.helpers.learners import CONFIG, ROOT

FACTS = read_yaml(CONFIG / "published/protocol.yaml")
PROTOCOL = checked(Protocol, FACTS, "protocol.yaml")
METHODS = checked(MethodFile, read_yaml(CONFIG / "methods.yaml"), "methods.yaml")
DATASETS = checked(DatasetFile, read_yaml(CONFIG / "datasets.yaml"), "datasets.yaml")


def paper(name="paper"):
    """The content of a preset, with what it takes from the default experiment."""
    return content_of(read_yaml(CONFIG / "config.yaml"), name)


def compared(content):
    """Cells, and the comparison of each with what is printed. Nothing checks whether they can run."""
    grid = Grid(content, checked(Config, content, "config.yaml"), dict(METHODS), dict(DATASETS))
    return grid, PaperProtocol(grid, Project(ROOT), PROTOCOL, FACTS["made_with"])


def differing(content, cell):
    return compared(content)[1].differences(cell)


def with_override(content, **settings):
    """A config whose last override is for all cells."""
    return {**content, "overrides": [*content["overrides"], {"when": {}, **settings}]}
