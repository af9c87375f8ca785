"""Pre-training of Θ on all training classes (paper, sections 4.1 and 5.1)."""

from dataclasses import dataclass
from typing import Annotated

from mtl.specs.computing import Runtime
from mtl.specs.declare import Found, Settings, key
from mtl.specs.networks import Network


@dataclass(frozen=True, kw_only=True)
class Pretrain(Settings):
    """The section `pretrain` of a config."""

    iterations: int = key("Batches.", paper="10 000", ge=0)
    batch_size: int = key("Images per batch.", paper="64", ge=2)
    optimizer: Annotated[str, Found("training.optimizers", hyphens=True)] = key(
        "`adam-halving`: Adam whose learning rate is halved at intervals. `sgd-one-cycle`: SGD with Nesterov momentum "
        "0.9 whose learning rate rises linearly in the first quarter, then falls to 0 along a cosine. `adamw-warm-up`: "
        "AdamW, for transformers; it rises in the first tenth.",
        paper="`adam-halving`",
    )
    learning_rate: float = key("Highest learning rate.", paper="1.0e-3", gt=0)
    halve_every: int = key("`adam-halving`: iterations after which the learning rate is halved.", paper="5 000", ge=1)
    learning_rate_floor: float = key("`adam-halving`: the lowest learning rate.", paper="1.0e-4", gt=0)
    weight_decay: float = key(
        "`sgd-one-cycle`, `adamw-warm-up`: weight decay of all weights except biases.", paper="none", ge=0
    )
    dropout: float = key("Probability of dropping a value after each block.", paper="0.1", ge=0, lt=1)
    crop_padding: int = key("Padding before a random crop; 0: no crop.", unit="pixels", paper="0", ge=0)
    flip: bool = key("Random horizontal flips.", paper="yes")
    log_every: int = key("Iterations between reports and validations.", ge=1)


@dataclass(frozen=True, kw_only=True)
class PretrainSpec(Settings):
    """The spec of `mtl pretrain`."""

    network: Network
    pretrain: Pretrain
    seed: int
    runtime: Runtime
