"""What the table of decisions and the table of rates show, as JSON for `mtl decisions` and `mtl rates`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid
from mtl.experiment.jobs import Jobs
from mtl.experiment.project import Content
from mtl.experiment.reports import Reports
from mtl.experiment.variants import at_rate, decided
from mtl.runtime.fingerprint import fingerprint
from mtl.specs.decisions import Decision, Decisions
from mtl.specs.reading import as_json, flat

ENTRIES = {"decisions": "reporting.decisions_table:write_decisions", "rates": "reporting.rates_table:write_rates"}


@dataclass(frozen=True)
class Compared:
    """A decision on one dataset, backbone, and number of ways and shots.

    Attributes:
        name: its name.
        decision: what it changes.
        pairs: the cell of the base and that of the variant, for each seed.
        without_effect: whether the base does so anyway.
    """

    name: str
    decision: Decision
    pairs: list[tuple[Cell, Cell]]
    without_effect: bool


class VariantReports:
    """Answers the rules of the two reports whose cells are variants of methods."""

    def __init__(self, grid: Grid, jobs: Jobs, reports: Reports, decisions: Decisions) -> None:
        self._grid = grid
        self._jobs = jobs
        self._reports = reports
        self._decisions = decisions

    def decided_files(self) -> list[str]:
        """What the table of decisions is made from."""
        return self._reports.files(_distinct(self._effective()), "episodes.csv", "evaluation.json")

    def decisions(self) -> str:
        """The decisions and the cells that they change."""
        lines = [
            {
                "decision": line.name,
                "label": line.decision.label,
                "variant": second.method,
                "base": self._grid.methods[first.method].label,
                "changes": self._changes(first, second),
                "pretrained": self._grid.methods[second.method].pretrained,
                "shared_model": self._jobs.trained_as(second) == first.method,
                "pairs": [[one.folder for one in pair] for pair in line.pairs],
                "trained_in": [self._trained(variant).folder for _, variant in line.pairs],
            }
            for line in self._effective()
            for first, second in line.pairs[:1]
        ]
        idle = dict.fromkeys(line.decision.label for line in self._compared() if line.without_effect)
        cells = _distinct(self._effective())
        asked = list(dict.fromkeys([*cells, *map(self._trained, cells)]))
        plan = self._reports.plan("Decisions, changed one at a time", asked)
        return as_json({**plan, "lines": lines, "without_effect": list(idle)})

    def rate_files(self) -> list[str]:
        """What the table of rates is made from."""
        cells = [cell for cell, _ in self._rates()]
        trained = list(dict.fromkeys(map(self._trained, cells)))
        return self._reports.files(cells, "episodes.csv", "evaluation.json") + self._reports.files(
            trained, "training.json"
        )

    def rates_seen(self) -> dict[str, int]:
        """Those files that exist, with modification times: what a partial table of rates is made from."""
        results = self._grid.config.pathvars.results
        paths = [Path(file.replace("<results>", results, 1)) for file in self.rate_files()]
        return {str(path): path.stat().st_mtime_ns for path in paths if path.is_file()}

    def rates(self) -> str:
        """Every meta-trained method at every rate."""
        cells = [cell for cell, _ in self._rates()]
        lines = [
            {
                "cell": cell.folder,
                "method": base,
                "label": self._grid.methods[base].label,
                "rate": self._grid.settings_of(cell)["meta_train"]["learning_rate"],
                "floor": self._grid.settings_of(cell)["meta_train"]["learning_rate_floor"],
                "config_rate": self._grid.settings_of(replace(cell, method=base))["meta_train"]["learning_rate"],
                "trained_in": self._trained(cell).folder,
            }
            for cell, base in self._rates()
        ]
        asked = list(dict.fromkeys([*cells, *map(self._trained, cells)]))
        return as_json({**self._reports.plan("Learning rates of meta-training", asked), "lines": lines})

    def code(self, report: str) -> str:
        """A digest of the code of one of the two reports."""
        return fingerprint(ENTRIES[report])

    def _compared(self) -> Iterator[Compared]:
        shots = self._decisions.shots
        for name, decision in self._decisions.decisions.items():
            base = decision.base or self._decisions.base
            places: dict[Cell, list[tuple[Cell, Cell]]] = {}
            for cell in self._grid.cells:
                if cell.method == base and (shots is None or cell.shot in shots):
                    variant = replace(cell, method=decided(base, name))
                    places.setdefault(replace(cell, seed=0), []).append((cell, variant))
            for pairs in places.values():
                same = (self._jobs.same_work(stage, pairs[0][1], base) for stage in ("meta_train", "evaluate"))
                yield Compared(name, decision, pairs, without_effect=all(same))

    def _effective(self) -> list[Compared]:
        return [line for line in self._compared() if not line.without_effect]

    def _changes(self, first: Cell, second: Cell) -> list[tuple[str, str, str]]:
        """The keys that differ between two cells, with their values."""
        was, now = (flat(self._values(cell)) for cell in (first, second))
        return [(key, _text(was[key]), _text(now[key])) for key in now if was[key] != now[key]]

    def _values(self, cell: Cell) -> Content:
        method = asdict(self._grid.methods[cell.method])
        del method["label"]
        return {**method, **self._grid.settings_of(cell)}

    def _rates(self) -> list[tuple[Cell, str]]:
        """The cells of the table of rates, each with the method that it is a variant of."""
        return [
            (replace(cell, method=at_rate(cell.method, rate)), cell.method)
            for cell in rated_cells(self._grid)
            for rate in self._grid.config.rates
        ]

    def _trained(self, cell: Cell) -> Cell:
        """The cell whose meta-training a cell uses."""
        return replace(cell, method=self._jobs.trained_as(cell))


def rated_cells(grid: Grid) -> list[Cell]:
    """The cells for which a rate is chosen: those of meta-trained methods, of one seed each, with the fewest shots."""
    seeds: dict[Cell, int] = {}
    fewest: dict[Cell, Cell] = {}
    for cell in grid.cells:
        place = replace(cell, shot=0, seed=0)
        if grid.methods[cell.method].meta_trained and cell.seed == seeds.setdefault(place, cell.seed):
            fewest[place] = min(fewest.get(place, cell), cell, key=lambda one: one.shot)
    return list(fewest.values())


def _distinct(lines: Iterable[Compared]) -> list[Cell]:
    return list(dict.fromkeys(cell for line in lines for pair in line.pairs for cell in pair))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
