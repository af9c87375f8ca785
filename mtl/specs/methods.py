"""A method: one row of `config/methods.yaml`, made of independent keys."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mtl.specs.declare import Found, Settings, Within, key

Option = float | bool | str


@dataclass(frozen=True, kw_only=True)
class Method(Settings):
    """The keys of a method that stages depend on."""

    learner: Annotated[str, Found("learners")] = key("Family of the learner: a module of `mtl/learners`.")
    pretrained: bool = key(
        "Whether Θ starts from pre-training; if not, it starts from random weights, with `episode` batch norm.",
        paper="section 4.1",
    )
    meta_batch: Literal["none", "plain", "hard", "hard-random", "hard-stale"] = key(
        "`none`: no meta-training; `plain`; `hard`: with hard tasks; `hard-random`: a control with as many tasks from "
        "random classes; `hard-stale`: with the mistake of the authors' code, which looks for failure classes in the "
        "accuracies of the first cycle.",
        paper="section 4.3; the authors' code: `hard-stale`",
    )
    modulate: Literal["none", "ft", "ss"] = key(
        "How meta-training changes Θ: not at all, by fine-tuning, or by scaling and shifting.",
        paper="section 4.2",
        default="none",
    )
    scope: Literal["head", "last", "all"] = key(
        "Which blocks of Θ `modulate` changes: none, the last, or all.", default="head"
    )
    scale: Literal["kernel", "filter"] = key(
        "modulate `ss`: one Φ1 for each kernel, from one channel to another, or for each filter, to one channel; "
        "under `episode` statistics batch norm divides by that of a filter again.",
        paper="`kernel` (figure 3)",
        default="kernel",
    )
    shift: Literal["before", "after"] = key(
        "modulate `ss`: whether Φ2 is added before batch norm, which under `episode` statistics subtracts it again, or "
        "after it.",
        paper="`before` (equation 6)",
        default="before",
    )
    theta_init: Literal["random", "zero", "meta-learned"] | None = key(
        "The classifier θ that a task starts from; required for learners that have one.", default=None
    )

    options: dict[str, Option] = key(
        "Settings that only this learner has; its file says which, with their defaults, in `OPTIONS`.",
        default_factory=dict,
    )

    @property
    def meta_trained(self) -> bool:
        """Whether the method has a meta-training stage."""
        return self.meta_batch != "none"

    @property
    def has_hard_tasks(self) -> bool:
        """Whether meta-training adds hard tasks, or random ones in their place."""
        return self.meta_batch.startswith("hard")


@dataclass(frozen=True, kw_only=True)
class NamedMethod(Method):
    """A method with its name, for messages."""

    name: str


@dataclass(frozen=True, kw_only=True)
class MethodRow(Method):
    """An entry of `config/methods.yaml`."""

    label: str = key("The row's name in tables, as the paper writes it.")


# `pretrain` is reserved: methods' folders lie beside that of the pre-trained network.
MethodFile = dict[
    Annotated[str, Within(pattern="^(?!pretrain\\Z)[a-z][a-z0-9-]*\\Z", regex_engine="python-re")], MethodRow
]
