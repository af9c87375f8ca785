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
)
FROM_SCRATCH = ("prototypes", "matching-nets", "matching-context", "siamese", "relation-nets")


def learners(scene: Scene, names: tuple[str, ...]) -> Iterator[Comparison]:
    """Two lines for each method, or one if it is not meta-trained."""
    for name in names:
        if METHODS[name]["meta_batch"] != "none":
            yield meta_training(scene, name)
        yield evaluation(scene, name)
