"""Checks that every name in the files under `config/` exists: a dataset, a method, a key, a module."""

from collections.abc import Collection, Iterable
from typing import Any

from mtl.experiment.grid import as_list
from mtl.experiment.project import Content
from mtl.runtime.errors import UserError
from mtl.runtime.extensions import extensions, module_of
from mtl.specs.checking import suggestion
from mtl.specs.claims import Claim
from mtl.specs.config import Config
from mtl.specs.datasets import DatasetEntry
from mtl.specs.methods import MethodRow
from mtl.specs.published_protocol import Protocol
from mtl.specs.tables_and_figures import Tables

# Files in the folder of a cell that only meta-training produces.
TRAINED = {"model.safetensors", "snapshots.safetensors", "history.csv", "training.json", "curve.csv"}
TABLES = "config/tables.yaml"
CLAIMS = "config/claims.yaml"
PROTOCOL = "config/published/protocol.yaml"


class NameChecks:
    """The known names, and the checks against them. All raise a `UserError` for the first unknown name."""

    def __init__(self, methods: dict[str, MethodRow], datasets: dict[str, DatasetEntry]) -> None:
        self._methods = methods
        self._known: dict[str, Collection[str]] = {
            "dataset": datasets,
            "method": methods,
            "backbone": extensions("networks"),
        }

    def check_config(self, config: Config, content: Content, source: str) -> None:
        """Checks what an experiment selects, and what its overrides name."""
        for name, known in self._known.items():
            _check_known(f"{source}: {name}s", content[f"{name}s"], known)
            for index, grid in enumerate(config.grids):
                _check_known(f"{source}: grids[{index}].{name}s", getattr(grid, f"{name}s") or [], known)
        for index, override in enumerate(content["overrides"]):
            self._check_when(f"{source}: overrides[{index}]", override["when"])

    def check_tables(self, tables: Tables) -> None:
        """The methods and datasets of tables and figures."""
        for name, table in tables.tables.items():
            where = f"{TABLES}: tables.{name}"
            _check_known(f"{where}.datasets", table.datasets or [], self._known["dataset"])
            for index, group in enumerate(table.groups):
                _check_known(f"{where}.groups[{index}].methods", group.methods, self._methods)
        for name, survey in tables.surveys.items():
            where = f"{TABLES}: surveys.{name}"
            _check_known(f"{where}.against", survey.against, self._methods)
            for index, group in enumerate(survey.groups):
                _check_known(f"{where}.groups[{index}].methods", group.methods, self._methods)
        figures = extensions("reporting.figures")
        _check_known(f"{TABLES}: figures", tables.figures, [module.replace("_", "-") for module in figures])
        for name, figure in tables.figures.items():
            where = f"{TABLES}: figures.{name}"
            _check_known(f"{where}.datasets", figure.datasets or [], self._known["dataset"])
            _check_known(f"{where}.methods", figure.methods or [], self._methods)
            self._check_shown(f"{where}.methods", figure.methods or list(self._methods), figures[module_of(name)])

    def check_protocol(self, protocol: Protocol, made_with: Iterable[Content]) -> None:
        """The keys of `config/published/protocol.yaml` that tables show, and the numbers that its entries are about."""
        decisive = [*protocol.decides.scale, *protocol.decides.protocol]
        _check_known(f"{PROTOCOL}: shown", protocol.shown, decisive)
        for index, entry in enumerate(made_with):
            self._check_when(f"{PROTOCOL}: made_with[{index}]", entry["when"])

    def check_claims(self, claims: Iterable[Claim]) -> None:
        """Checks the methods of claims; a test of training needs meta-trained methods."""
        for index, claim in enumerate(claims):
            where = f"{CLAIMS}: claims[{index}]"
            needed = {"sooner": "unit", "fewer": "ratio"}.get(claim.test)
            if needed is not None and getattr(claim, needed) is None:
                raise UserError(f"{where}.{needed}: missing; the test {claim.test!r} needs it")
            for pair in claim.pairs:
                _check_known(f"{where}.pairs", pair, self._methods)
                if claim.test != "difference":
                    self._check_meta_trained(f"{where}.pairs: {claim.test}", pair)

    def _check_when(self, where: str, when: Content) -> None:
        for name, known in self._known.items():
            named = when.get(name)
            _check_known(f"{where}.when.{name}", [] if named is None else as_list(named), known)

    def _check_shown(self, where: str, methods: Iterable[str], facts: dict[str, Any]) -> None:
        """Checks that a figure can show its methods."""
        if not TRAINED.isdisjoint(facts["FILES"]):
            self._check_meta_trained(where, methods)
        modulate = facts.get("MODULATE")
        for name in methods:
            if modulate is not None and self._methods[name].modulate != modulate:
                raise UserError(f"{where}: {name!r} is not a method that has modulate: {modulate}")

    def _check_meta_trained(self, where: str, names: Iterable[str]) -> None:
        for name in names:
            if not self._methods[name].meta_trained:
                raise UserError(f"{where}: {name!r} has no meta-training")


def _check_known(where: str, names: Iterable[Any], existing: Collection[str]) -> None:
    for name in names:
        if name not in existing:
            raise UserError(f"{where}: {name!r} is unknown{suggestion(name, list(existing))}")
