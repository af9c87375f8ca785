"""Which keys of a row of `config/methods.yaml` go together, and which go with a learner."""

import dataclasses
from collections.abc import Iterator

from mtl.runtime.errors import UserError
from mtl.runtime.extensions import extensions
from mtl.specs.methods import Method, MethodRow, Option
from mtl.specs.reading import default_of

# The keys that only some learners take, and their values where a row has none; every learner may have `options`.
OPTIONAL = {
    field.name: default_of(field)
    for field in dataclasses.fields(Method)
    if default_of(field) is not dataclasses.MISSING and field.name != "options"
}


def check_methods(methods: dict[str, MethodRow]) -> None:
    """Checks every row, and that learners name keys that exist.

    Raises:
        UserError: a row makes no sense.
    """
    for learner, facts in extensions("learners").items():
        if unknown := set(facts["KEYS"]) - OPTIONAL.keys():
            raise UserError(f"mtl/learners/{learner}.py: KEYS: {min(unknown)!r} is none of {', '.join(OPTIONAL)}")
    for name, row in methods.items():
        for key, problem in problems_of_row(row):
            raise UserError(f"config/methods.yaml: {name}.{key}: {getattr(row, key)!r} {problem}")


def problems_of_row(row: MethodRow) -> Iterator[tuple[str, str]]:
    """What is wrong with a row, by key."""
    takes = extensions("learners")[row.learner]["KEYS"]
    for key, absent in OPTIONAL.items():
        if key not in takes and getattr(row, key) != absent:
            yield key, f"is not for the learner {row.learner!r}; leave the key out"
    yield from _problems_of_options(row)
    if (row.modulate == "none") != (row.scope == "head"):
        yield (
            "scope",
            f"does not go with modulate {row.modulate!r}; `none` goes with `head`, others with `last` or `all`",
        )
    for key in ("scale", "shift"):
        if row.modulate != "ss" and getattr(row, key) != OPTIONAL[key]:
            yield key, f"does not go with modulate {row.modulate!r}; leave the key out"
    if "theta_init" in takes:
        fitting = ["meta-learned"] if row.meta_trained else ["random", "zero"]
        if row.theta_init not in fitting:
            yield "theta_init", f"does not go with meta_batch {row.meta_batch!r}; write {' or '.join(fitting)}"
    if not row.meta_trained and row.modulate != "none":
        yield "modulate", "changes Θ by meta-training, but meta_batch is 'none'"
    if not row.meta_trained and not row.pretrained:
        yield "pretrained", "leaves random weights as they are; without meta-training write true"
    if not row.pretrained and "modulate" in takes and (row.modulate, row.scope) != ("ft", "all"):
        yield "modulate", "freezes random weights; without pre-training write modulate ft and scope all"


def _problems_of_options(row: MethodRow) -> Iterator[tuple[str, str]]:
    known: dict[str, Option | tuple[str, ...]] = extensions("learners")[row.learner]["OPTIONS"]
    for name, value in row.options.items():
        default = known.get(name)
        if default is None:
            yield "options", f"has {name!r}, but the learner {row.learner!r} has {', '.join(known) or 'no options'}"
        elif isinstance(default, tuple):
            if value not in default:
                yield "options", f"has {name}: {value!r}, which is none of {', '.join(default)}"
        elif type(value) is not type(default):
            yield "options", f"has {name}: {value!r}, which is no {type(default).__name__}"
        elif isinstance(value, float) and value < 0:
            yield "options", f"has {name}: {value!r}, which is below 0"
