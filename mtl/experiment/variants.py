"""Variants of methods: a row with keys changed, whose cells have settings changed. Reports compare them with the row.

A variant is a method like any other, so its cells have jobs, specs and records like any other. But no experiment
selects it: its cells are run only for the table of decisions and the table of rates.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from mtl.experiment.method_rules import problems_of_row
from mtl.experiment.project import Content, extended
from mtl.runtime.errors import UserError
from mtl.specs.checking import suggestion
from mtl.specs.decisions import Decisions
from mtl.specs.methods import MethodRow

DECISIONS = "config/decisions.yaml"
SHARED = ("width", "pretrain")


@dataclass(frozen=True)
class Variant:
    """A method with something changed.

    Attributes:
        base: the method that it is a variant of.
        row: its own row.
        change: makes the settings of its cells from those of the same cells of `base`, after all overrides.
    """

    base: str
    row: MethodRow
    change: Callable[[Content], Content]


Variants = dict[str, Variant]


def variants_of(methods: dict[str, MethodRow], decisions: Decisions, written: Content, rates: list[float]) -> Variants:
    """All variants, by name.

    Args:
        methods: the rows that there are.
        decisions: `config/decisions.yaml`.
        written: the same as it was written, because a decision names only some keys.
        rates: learning rates of meta-training.

    Raises:
        UserError: a decision makes no sense, or a variant has the name of a method.
    """
    variants = {}
    for name, variant in (*_decided(methods, decisions, written), *_at_rates(methods, rates)):
        if name in methods or name in variants:
            raise UserError(
                f"{DECISIONS}: {name!r} would be the name of two methods; rename the decision or the method"
            )
        variants[name] = variant
    return variants


def decided(base: str, decision: str) -> str:
    """The name of the variant of a method that a decision makes."""
    return f"{base}-{decision}"


def at_rate(base: str, rate: float) -> str:
    """The name of a method at a learning rate, without a point: `ss-all-at-3e-4`."""
    _, digits, exponent = Decimal(str(rate)).normalize().as_tuple()
    return f"{base}-at-{''.join(map(str, digits))}e{exponent}"


def _decided(methods: dict[str, MethodRow], decisions: Decisions, written: Content) -> Iterator[tuple[str, Variant]]:
    for name, decision in decisions.decisions.items():
        where = f"{DECISIONS}: decisions.{name}"
        base = decision.base or decisions.base
        if base not in methods:
            place = f"{where}.base" if decision.base else f"{DECISIONS}: base"
            raise UserError(f"{place}: {base!r} is unknown{suggestion(base, methods)}")
        content = written["decisions"][name]
        keys, settings = content.get("method") or {}, content.get("settings") or {}
        if not keys and not settings:
            raise UserError(f"{where}: changes nothing; give it `method` or `settings`")
        for key in SHARED:
            if key in settings:
                raise UserError(f"{where}.settings.{key}: Θ is shared by all methods, so no decision may change {key}")
        row = replace(methods[base], label=f"{methods[base].label}, {decision.label}", **keys)
        for key, problem in problems_of_row(row):
            raise UserError(f"{where}.method.{key}: {getattr(row, key)!r} {problem}")
        yield decided(base, name), Variant(base, row, partial(_with, settings))


def _at_rates(methods: dict[str, MethodRow], rates: list[float]) -> Iterator[tuple[str, Variant]]:
    for base, row in methods.items():
        for rate in rates if row.meta_trained else ():
            label = f"{row.label}, rate {rate:g}"
            yield at_rate(base, rate), Variant(base, replace(row, label=label), partial(_at, rate))


def _with(changed: Content, settings: Content) -> Content:
    return extended(settings, changed)


def _at(rate: float, settings: Content) -> Content:
    """The floor of the learning rate scales along."""
    now: dict[str, Any] = settings["meta_train"]
    floor = float(f"{now['learning_rate_floor'] * (rate / now['learning_rate']):.10g}")
    return extended(settings, {"meta_train": {"learning_rate": rate, "learning_rate_floor": floor}})
