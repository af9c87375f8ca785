"""A method: one row of `config/methods.yaml`, made of independent keys."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mtl.specs.declare import Found, Settings, Within, key


@dataclass(frozen=True, kw_only=True)
class Method(Settings):
    """What a stage is told of a method."""

    learner: Annotated[str, Found("learners")] = key("Family of the learner: a module of `mtl/learners`.")
    pretrained: bool = key(
        "Whether Θ starts from pre-training; else from random weights, and batch norm uses `episode` statistics.",
        paper="section 4.1",
    )
    meta_batch: Literal["none", "plain", "hard", "hard-random"] = key(
        "`none`: no meta-training; `plain`; `hard`: with hard tasks; `hard-random`: a control that draws as many tasks "
        "from random classes.",
        paper="section 4.3",
    )
    modulate: Literal["none", "ft", "ss"] = key(
        "How meta-training changes Θ: not at all, by fine-tuning, by scaling and shifting.",
        paper="section 4.2",
        default="none",
    )
    scope: Literal["head", "last", "all"] = key(
        "Which blocks of Θ `modulate` opens: none, the last, all.", default="head"
    )
    theta_init: Literal["random", "zero", "meta-learned"] | None = key(
        "The classifier θ that a task starts from; asked of learners that have one.", default=None
    )

    @property
    def meta_trained(self) -> bool:
        """Whether the method has a meta-training stage at all."""
        return self.meta_batch != "none"


@dataclass(frozen=True, kw_only=True)
class NamedMethod(Method):
    """A method with the name it has in messages."""

    name: str


@dataclass(frozen=True, kw_only=True)
class MethodRow(Method):
    """An entry of `config/methods.yaml`."""

    label: str = key("The row's name in tables, as the paper writes it.")


# A method's folder lies beside that of the pre-trained network.
MethodFile = dict[Annotated[str, Within(pattern="^(?!pretrain$)[a-z][a-z0-9-]*$", regex_engine="python-re")], MethodRow]
