"""What a cell is run with, and where that differs from what the paper's number was made with."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from math import isclose
from typing import Any

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid, applies
from mtl.experiment.project import Content, Project, extended
from mtl.runtime.extensions import extensions
from mtl.runtime.files import sha256
from mtl.specs.config import Config
from mtl.specs.published_protocol import Protocol
from mtl.specs.reading import defaults_of

MOST = 3  # phrases of a kind in a verdict
_DEFAULTS = defaults_of(Config)
INNER_RATE = ("base_learner.learning_rate", "base_learner.reduction")


@dataclass(frozen=True)
class Difference:
    """A key that makes a number another one than the printed: its value here, and the paper's, as text."""

    key: str
    here: str
    paper: str
    kind: str
    words: str


class PaperProtocol:
    """Compares cells with `config/published/protocol.yaml`."""

    def __init__(self, grid: Grid, project: Project, protocol: Protocol, made_with: list[Content]) -> None:
        """Takes `made_with` also as it was written, because its entries name only some keys."""
        self._grid = grid
        self._project = project
        self._protocol = protocol
        self._made_with = made_with
        self._class_list = cache(sha256)
        self._here = cache(self._values)

    def differences(self, cell: Cell) -> list[Difference]:
        """What was done otherwise for a cell than for the printed number, most important first; empty if nothing."""
        here, paper = self._here(cell), self._paper(cell)
        if INNER_RATE[0] in here and INNER_RATE[0] in paper and isclose(_mean_rate(here), _mean_rate(paper)):
            here = {key: value for key, value in here.items() if key not in INNER_RATE}
        # With a new key at its default, everything is as before there was one.
        known = {**_DEFAULTS, **paper}
        found = [key for key, value in here.items() if key not in known or value != known[key]]
        return [
            Difference(key, _text(here[key]), _text(paper.get(key, "unknown")), *self._kind_and_words(key, here[key]))
            for key in sorted(found, key=self._rank)
        ]

    def shown(self, cell: Cell) -> list[tuple[str, str]]:
        """What was done, for the lines under a table: words with `{}`, and the value that belongs there.

        The value is empty for a key that the cell does not depend on, so that the order of keys is that of all cells.
        """
        here = self._here(cell)
        words = {**self._protocol.decides.scale, **self._protocol.decides.protocol}
        return [(words[key], _text(here[key]) if key in here else "") for key in self._protocol.shown]

    def _values(self, cell: Cell) -> Content:
        """The values of all keys that decide the number of a cell, as they take effect, by dotted key."""
        config, entry = self._grid.config, self._grid.datasets[cell.dataset]
        settings = self._grid.settings_of(cell)
        values = {
            **asdict(config),
            **settings,
            "queries_together": self._grid.queries_together(settings, cell.shot) or "all",
            "way": cell.way,
            "method": asdict(self._grid.methods[cell.method]),
            "dataset": {**asdict(entry), "split": self._class_list(self._project.path(entry.split))},
        }
        found = dict(_flat(values))
        without = [*self._protocol.decides.nothing, *self._without_effect(cell, found)]
        return {key: value for key, value in _effective(found, cell).items() if not _below(key, without)}

    def _paper(self, cell: Cell) -> Content:
        """The same for the printed number."""
        values: Content = {}
        for entry in self._made_with:
            if applies(entry["when"], vars(cell)):
                values = extended(values, {key: value for key, value in entry.items() if key != "when"})
        return _effective(dict(_flat(values)), cell)

    def _without_effect(self, cell: Cell, here: Content) -> list[str]:
        """The keys that a cell does not depend on, given the values of the others."""
        method = self._grid.methods[cell.method]
        inner_steps = extensions("learners")[method.learner]["INNER_STEPS"]
        named = method.meta_trained and here["meta_train.selected_iteration"] is not None
        chooses = (method.meta_trained and not named) or (inner_steps and len(here["base_learner.test_steps"]) > 1)
        keys = [] if method.pretrained else ["pretrain"]
        keys += [] if method.meta_trained else ["meta_train", "base_learner.steps", "base_learner.order"]
        keys += [] if method.has_hard_tasks else ["hard_tasks"]
        keys += [] if inner_steps else ["base_learner"]
        # The schedule is the same however many iterations follow the one that is tested.
        keys += ["meta_train.iterations", "meta_train.validate_every"] if named else []
        return keys if chooses else [*keys, "episodes.validation"]

    def _kind_and_words(self, key: str, value: Any) -> tuple[str, str]:
        for kind, words in (("scale", self._protocol.decides.scale), ("protocol", self._protocol.decides.protocol)):
            if (above := _above(key, words)) is not None:
                return kind, words[above].replace("{}", _text(value))
        return "protocol", f"{key}: {_text(value)}"

    def _rank(self, key: str) -> int:
        order = [*self._protocol.decides.scale, *self._protocol.decides.protocol]
        above = _above(key, order)
        return len(order) if above is None else order.index(above)


def other(differences: list[Difference]) -> str:
    """The verdict on a number that is not judged; empty if there are no differences."""
    parts = []
    for kind in ("scale", "protocol"):
        words = list(dict.fromkeys(difference.words for difference in differences if difference.kind == kind))
        if len(words) > MOST:
            words[MOST - 1 :] = [f"{len(words) - MOST + 1} more"]
        if words:
            parts.append(f"other-{kind} ({', '.join(words)})")
    return "; ".join(parts)


def in_full(differences: list[Difference]) -> str:
    """Every key with its value and the paper's."""
    return "; ".join(f"{one.key}: {one.here} (paper: {one.paper})" for one in differences)


def _effective(values: Content, cell: Cell) -> Content:
    """Values by dotted key, written so that equal ones do the same."""
    found = dict(values)
    if found.get("episodes.query") == "shot":
        found["episodes.query"] = cell.shot
    if "meta_train.selected_iteration" in found:
        selected = found["meta_train.selected_iteration"]
        best = f"best on {found.get('meta_train.select_on', 'validation')}"
        last = found["meta_train.iterations"] if selected == "last" else selected
        found["meta_train.selected_iteration"] = best if selected is None else f"iteration {last}"
    if steps := found.get("base_learner.test_steps"):
        candidates = "/".join(map(str, sorted(steps)))
        found["base_learner.test_steps"] = candidates if len(steps) == 1 else f"best of {candidates} on validation"
    return found


def _mean_rate(values: Content) -> float:
    """The inner rate on the mean loss that takes the same steps; mirrored support is a key of its own."""
    rate: float = values[INNER_RATE[0]]
    return rate if values[INNER_RATE[1]] == "mean" else rate * values["way"]


def _flat(content: Content, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested mappings by dotted key."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _above(key: str, keys: Any) -> str | None:
    """The most exact of `keys` that a key is, or is below."""
    return max((one for one in keys if _below(key, [one])), key=len, default=None)


def _below(key: str, keys: list[str]) -> bool:
    return any(key == one or key.startswith(f"{one}.") for one in keys)


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
