"""The spec of `mtl prepare`."""

from dataclasses import dataclass

from mtl.specs.declare import Settings


@dataclass(frozen=True, kw_only=True)
class PrepareSpec(Settings):
    """A dataset at one image size; `seed` is for rendered images, None for others."""

    dataset: str
    seed: int | None
    size: int
