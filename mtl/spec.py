"""The resolved settings of one job, as typed values.

`mtl.plan` writes a spec as JSON, Snakemake hands it to `mtl <stage> --spec`, and `from_json` reads it here. What each
key means, its unit and its section of the paper stand in one place: `mtl/schemas/config.yaml`, printed as
`config/README.md`.
"""

import dataclasses
import types
import typing
from dataclasses import dataclass
from typing import Any, TypeVar

from mtl.runtime.errors import UserError
from mtl.runtime.files import read_json


@dataclass(frozen=True)
class Runtime:
    """Where and how a stage computes."""

    device: str
    dtype: str
    threads: int


@dataclass(frozen=True)
class Network:
    """A backbone Θ."""

    name: str
    width: int
    image_size: int


@dataclass(frozen=True)
class Method:
    """A row of `config/methods.yaml`."""

    name: str
    learner: str
    pretrained: bool
    modulate: str
    scope: str
    theta_init: str
    adapt: str
    meta_batch: str

    @property
    def meta_trained(self) -> bool:
        """Whether the method has a meta-training stage at all."""
        return self.meta_batch != "none"


@dataclass(frozen=True)
class Schedule:
    """A learning rate that is halved every so many iterations until it reaches its floor."""

    learning_rate: float
    halve_every: int
    floor: float

    def at(self, iteration: int) -> float:
        """The learning rate of an iteration, counted from 0 (paper, section 5.1)."""
        return float(max(self.floor, self.learning_rate * 0.5 ** (iteration // self.halve_every)))


@dataclass(frozen=True)
class Pretrain:
    """Pre-training on all training classes."""

    iterations: int
    batch_size: int
    optimizer: str
    schedule: Schedule
    weight_decay: float
    dropout: float
    crop_padding: int
    flip: bool
    log_every: int


@dataclass(frozen=True)
class MetaTrain:
    """The outer loop."""

    iterations: int
    tasks: int
    query: int
    theta_start: str
    schedule: Schedule
    validate_every: int
    selected_iteration: int | None


@dataclass(frozen=True)
class HardTasks:
    """The hard-task meta-batch."""

    every: int
    tasks: int


@dataclass(frozen=True)
class BaseLearner:
    """Gradient descent within a task."""

    learning_rate: float
    steps: int


@dataclass(frozen=True)
class PrepareSpec:
    """Spec of `mtl prepare`; `seed` is that of rendered images and None for others."""

    dataset: str
    seed: int | None
    size: int


@dataclass(frozen=True)
class EpisodesSpec:
    """Spec of `mtl episodes`."""

    split: str
    way: int
    shot: int
    query: int
    count: int
    seed: int


@dataclass(frozen=True)
class PretrainSpec:
    """Spec of `mtl pretrain`."""

    network: Network
    pretrain: Pretrain
    seed: int
    runtime: Runtime


@dataclass(frozen=True)
class MetaTrainSpec:
    """Spec of `mtl meta-train`; what was learned is also kept after the iterations named in `snapshots`."""

    method: Method
    network: Network
    batch_norm: str
    way: int
    shot: int
    meta_train: MetaTrain
    snapshots: list[int]
    hard_tasks: HardTasks | None
    base_learner: BaseLearner
    seed: int
    runtime: Runtime


@dataclass(frozen=True)
class EvaluateSpec:
    """Spec of `mtl evaluate`; `test_steps` are the candidates for the number of inner steps, chosen on validation."""

    method: Method
    network: Network
    batch_norm: str
    way: int
    shot: int
    learning_rate: float
    test_steps: list[int]
    flip_support: bool
    seed: int
    runtime: Runtime


Spec = TypeVar("Spec")


def from_json(kind: type[Spec], text: str, where: str = "--spec") -> Spec:
    """Reads a spec, or another record; `where` says what it is.

    Raises:
        UserError: the text is not JSON, or a key is missing, unknown or of the wrong type.
    """
    return typing.cast(Spec, _convert(read_json(text, where), kind, where))


def _convert(value: Any, kind: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _convert_dataclass(value, typing.cast(type, kind), where)
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        options = [option for option in typing.get_args(kind) if option is not type(None)]
        return None if value is None else _convert(value, options[0], where)
    if origin is list:
        if not isinstance(value, list):
            raise UserError(f"{where}: {value!r} is not a list")
        return [_convert(item, typing.get_args(kind)[0], f"{where}[{index}]") for index, item in enumerate(value)]
    if origin is dict:
        if not isinstance(value, dict):
            raise UserError(f"{where}: {value!r} is not a mapping")
        return {key: _convert(item, typing.get_args(kind)[1], f"{where}.{key}") for key, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise UserError(f"{where}: {value!r} is not of type {kind.__name__}")
    return value


def _convert_dataclass(value: Any, kind: type, where: str) -> Any:
    hints = typing.get_type_hints(kind)
    if not isinstance(value, dict) or set(value) != set(hints):
        raise UserError(f"{where}: expected exactly the keys {', '.join(hints)}")
    return kind(**{key: _convert(value[key], hint, f"{where}.{key}") for key, hint in hints.items()})
