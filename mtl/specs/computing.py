"""Where and how precisely a job computes, and what it asks of the machine."""

from dataclasses import dataclass
from typing import Literal

from mtl.specs.declare import Settings, key


@dataclass(frozen=True, kw_only=True)
class Computing(Settings):
    """The section `runtime` of a config."""

    device: Literal["auto", "cpu", "cuda"] = key("`auto` uses a GPU when there is one.")
    dtype: Literal["float32", "bfloat16"] = key(
        "Type of the convolutions; heads, statistics and losses are always float32."
    )


@dataclass(frozen=True, kw_only=True)
class Runtime(Computing):
    """What a stage is told about where and how it computes."""

    threads: int


@dataclass(frozen=True, kw_only=True)
class Needs(Settings):
    """What one kind of job needs."""

    threads: int = key("CPU threads; torch uses exactly as many, whatever `--cores` says.", ge=1)
    memory: int = key("Memory, told to a cluster.", unit="MB", ge=1)
    minutes: int = key("Time limit, told to a cluster.", ge=1, unit="minutes")
    gpus: int = key(
        "GPUs asked for; a job that asks for none still uses one that is there, see `runtime.device`.", ge=0
    )


@dataclass(frozen=True, kw_only=True)
class Jobs(Settings):
    """The section `jobs` of a config."""

    prepare: Needs = key("Preparing a dataset.")
    pretrain: Needs = key("Pre-training.")
    meta_train: Needs = key("Meta-training a cell.")
    evaluate: Needs = key("Evaluating a cell.")
