"""The device and precision of a job, and the resources it needs."""

from dataclasses import dataclass
from typing import Literal

from mtl.specs.declare import Settings, key


@dataclass(frozen=True, kw_only=True)
class Computing(Settings):
    """The section `runtime` of a config."""

    device: Literal["auto", "cpu", "cuda"] = key("`auto` uses a GPU if the job has one, see `jobs`.")
    dtype: Literal["float32", "bfloat16"] = key(
        "Type of the convolutions; heads, statistics and losses are always float32."
    )


@dataclass(frozen=True, kw_only=True)
class Runtime(Computing):
    """The device, precision and threads of a stage."""

    threads: int


@dataclass(frozen=True, kw_only=True)
class Needs(Settings):
    """The resources of one kind of job."""

    threads: int = key("CPU threads; torch uses exactly this many, whatever `--cores` says.", ge=1)
    memory: int = key("Memory to request from a cluster.", unit="MB", ge=1)
    minutes: int = key("Time limit to request from a cluster.", ge=1, unit="minutes")
    gpus: int = key("GPUs to request; a job that requests none sees none, even if there are some.", ge=0)


@dataclass(frozen=True, kw_only=True)
class Jobs(Settings):
    """The section `jobs` of a config."""

    prepare: Needs = key("Preparing a dataset.")
    pretrain: Needs = key("Pre-training.")
    meta_train: Needs = key("Meta-training a cell.")
    evaluate: Needs = key("Evaluating a cell.")
