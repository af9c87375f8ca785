"""The backbone Θ."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mtl.specs.declare import Settings, Within, key


@dataclass(frozen=True, kw_only=True)
class ImageSize(Settings):
    """The size of images."""

    image_size: int = key("Height and width of the images.", unit="pixels", paper="84", ge=16)


@dataclass(frozen=True, kw_only=True)
class Width(Settings):
    """The width of a network."""

    width: int = key(
        "Filters of the first block; of `transformer`, values of each token, a multiple of 4.",
        paper="64 for ResNet-12, 32 for 4CONV",
        ge=1,
    )


@dataclass(frozen=True, kw_only=True)
class Network(ImageSize, Width):
    """The backbone of a job; `name` is a module of `mtl.networks`."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Normalisation(Settings):
    """The statistics of batch norm after pre-training."""

    batch_norm: Literal["running", "episode"] = key(
        "Statistics of batch norm after pre-training: the running averages of pre-training (`running`), or those of "
        "each support and query set (`episode`), which makes results transductive. Methods that start from "
        "random weights, such as MAML, always use `episode`.",
        paper="the authors' code: `episode`",
    )
    queries_together: Annotated[int, Within(ge=1)] | Literal["shot", "all"] = key(
        "How many query images per class share the statistics of stored episodes under `episode`: a divisor of their "
        "number, `shot`: as many as support images, or `all`. The episodes stay the same.",
        paper="the authors' code: `shot`",
        default="all",
    )
