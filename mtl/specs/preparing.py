"""The spec of `mtl prepare`, and what a config asks of prepared images."""

from dataclasses import dataclass

from mtl.specs.datasets import SourceEntry
from mtl.specs.declare import Settings


@dataclass(frozen=True, kw_only=True)
class PrepareSpec(Settings):
    """A dataset at one image size; `seed` is for rendered images, None for others."""

    dataset: str
    seed: int | None
    size: int


@dataclass(frozen=True, kw_only=True)
class AskedImages(Settings):
    """What a config asks of the images of a dataset, for reports: `class_list` is the path of its `split`."""

    spec: PrepareSpec
    kind: str
    class_list: str
    images_per_class: int
    sources: list[SourceEntry]
