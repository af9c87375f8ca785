"""`config/published/protocol.yaml`: what the printed numbers were made with, and which keys decide that."""

from dataclasses import dataclass

from mtl.specs.config import CellSettings, When, partial
from mtl.specs.datasets import ClassCounts
from mtl.specs.declare import Settings, key
from mtl.specs.drawing import Episodes
from mtl.specs.methods import Method
from mtl.specs.networks import ImageSize, Normalisation


@dataclass(frozen=True, kw_only=True)
class PrintedDataset(Settings):
    """The images that a printed number is about."""

    kind: str = key("As in `config/datasets.yaml`.")
    split: str = key("SHA-256 of the class list: what it says counts, not where it lies.", pattern="^[0-9a-f]{64}$")
    classes: ClassCounts = key("Number of classes in each split.")
    images_per_class: int = key("Minimum number of images per class.", ge=2)


@dataclass(frozen=True, kw_only=True)
class Printed(CellSettings, Normalisation, ImageSize):
    """All that can change the number of a cell."""

    way: int = key("Classes per task.", ge=2)
    episodes: Episodes = key("The stored episodes.")
    method: Method = key("The row of `config/methods.yaml`.")
    dataset: PrintedDataset = key("The entry of `config/datasets.yaml`.")


@dataclass(frozen=True, kw_only=True)
class MadeWith(partial(Printed)):  # type: ignore[misc]
    """What some printed numbers were made with."""

    when: When = key("The numbers it applies to. Keys that are left out match all.")


@dataclass(frozen=True, kw_only=True)
class Decides(Settings):
    """Whether another value of a key makes another number. A key stands for all keys below it."""

    scale: dict[str, str] = key(
        "Keys of the size of a run, most important first: how a verdict words another value, `{}`."
    )
    protocol: dict[str, str] = key("Keys of the way of a run, likewise.")
    nothing: dict[str, str] = key("Keys that leave a number what it is, and the reason.")


@dataclass(frozen=True, kw_only=True)
class Protocol(Settings):
    """`config/published/protocol.yaml`."""

    decides: Decides = key("Every key of `config.yaml`, `methods.yaml` and `datasets.yaml`, as `section.key`.")
    shown: list[str] = key("Keys whose values stand under each table.")
    made_with: list[MadeWith] = key(
        "What the printed numbers were made with. An entry applies to numbers that match all of its `when`; later "
        "entries win."
    )
