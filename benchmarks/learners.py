"""Other methods beside the bare network: meta-training per meta-batch, and evaluation."""

from collections.abc import Iterator

from benchmarks.scenes import METHODS, Scene
from benchmarks.stages import evaluation, meta_training
from benchmarks.timing import Comparison

ON_THETA = (
    "prototypes-ss",
    "matching-ss",
    "relation-ss",
    "attention-ss",
    "nearest-centroid",
    "nearest-centroid-cl2n",
    "baseline-pp",
    "meta-learner-lstm-head",
    "mann-ss",
    "meta-networks-ss",
)
FROM_SCRATCH = (
    "prototypes",
    "matching-nets",
    "matching-context",
    "siamese",
    "relation-nets",
    "mann",
    "meta-networks",
)
# Evaluation is more of the same steps, so only meta-training is timed, with as many steps as MAML's.
WHOLE_NETWORK = ("fomaml", "reptile", "meta-learner-lstm")
STEPS = 5


def learners(scene: Scene, names: tuple[str, ...], episodes: int) -> Iterator[Comparison]:
    """Two lines for each method, or one if it is not meta-trained; evaluation is of so many episodes."""
    for name in names:
        if METHODS[name]["meta_batch"] != "none":
            yield meta_training(scene, name)
        yield evaluation(scene, name, episodes)


def whole_network(scene: Scene) -> Iterator[Comparison]:
    """A line for each method that makes steps of all weights within a task."""
    return (meta_training(scene, name, STEPS) for name in WHOLE_NETWORK)
