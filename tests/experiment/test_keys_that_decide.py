"""Every key decides whether a number is judged against the paper's, or changes no number."""

import copy
import dataclasses
import typing

import pytest

from mtl.experiment.paper_protocol import _below
from mtl.specs.config import CellSettings, Config
from mtl.specs.datasets import DatasetEntry
from mtl.specs.methods import MethodRow
from tests.helpers.protocol import FACTS, compared, paper

DECISIVE = {**FACTS["decides"]["scale"], **FACTS["decides"]["protocol"]}
NOTHING = FACTS["decides"]["nothing"]


def keys_of(kind, prefix=""):
    """All keys of a declaration, as `section.key`."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from keys_of(hints[field.name], f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


OF_CELLS = set(keys_of(CellSettings))
KEYS = [*keys_of(Config), "way", *keys_of(MethodRow, "method."), *keys_of(DatasetEntry, "dataset.")]


def test_every_key_decides_something_or_nothing_and_no_other_is_named():
    """A new key must be put into config/published/protocol.yaml."""
    for key in KEYS:
        assert _below(key, [*DECISIVE, *NOTHING]), f"{key}: write into config/published/protocol.yaml what it decides"
    for name in (*DECISIVE, *NOTHING, *FACTS["shown"]):
        assert any(_below(key, [name]) for key in KEYS), f"config/published/protocol.yaml: there is no key {name}"
    assert not set(DECISIVE) & set(NOTHING)


# Values that cannot be derived from the type: they must name something that exists.
NAMES = {
    "method.learner": "fomaml",
    "dataset.split": "config/splits/glyphs.csv",
    "base_learner.reduction": "mean",
}


# These matter only if validation chooses the model, which is a difference of its own.
OF_SELECTION = {"meta_train.iterations", "meta_train.validate_every"}


def absurd(value):
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return "absurd"
    if isinstance(value, list | dict):
        return {"absurd": 1.0} if value == {} else type(value)()
    return 7 if value is None else value * 50 + 1


def replaced(kept, path, change):
    """A dataclass with another value of a key within it."""
    name, _, rest = path.partition(".")
    value = getattr(kept, name)
    return dataclasses.replace(kept, **{name: replaced(value, rest, change) if rest else change(value)})


def value_at(content, path):
    for name in path.split("."):
        content = content[name]
    return content


def with_absurd(key):
    """The paper's config with one absurd value, wherever that key stands."""
    content = copy.deepcopy(paper())
    grid, protocol = compared(content)
    section, _, name = key.partition(".")
    change = (lambda _: NAMES[key]) if key in NAMES else absurd
    if key == "way":
        grid.cells = [dataclasses.replace(cell, way=7) for cell in grid.cells]
    elif section == "method":
        for method, row in grid.methods.items():
            grid.methods[method] = replaced(row, name, change)
    elif section == "dataset":
        for dataset, entry in grid.datasets.items():
            grid.datasets[dataset] = replaced(entry, name, change)
    elif key in OF_CELLS:
        if key in OF_SELECTION:
            grid.overrides = [*grid.overrides, {"when": {}, "meta_train": {"selected_iteration": None}}]
        settings = change(value_at(dataclasses.asdict(grid.config), key))
        for part in reversed(key.split(".")):
            settings = {part: settings}
        grid.overrides = [*grid.overrides, {"when": {}, **settings}]
    else:
        grid.config = replaced(grid.config, key, change)
    return grid, protocol


@pytest.mark.parametrize("key", [key for key in KEYS if not _below(key, NOTHING)])
def test_no_number_is_judged_that_was_made_with_an_absurd_value(key):
    grid, protocol = with_absurd(key)
    named = {cell: {one.key for one in protocol.differences(cell)} for cell in grid.cells}
    differ = {cell for cell, keys in named.items() if any(_below(one, [key]) for one in keys)}
    assert differ
    # The others do not depend on that key.
    trained = {cell for cell in grid.cells if grid.methods[cell.method].meta_trained}
    hard = {cell for cell in grid.cells if grid.methods[cell.method].has_hard_tasks}
    depend = {
        "pretrain": {cell for cell in grid.cells if grid.methods[cell.method].pretrained},
        "meta_train": trained,
        "hard_tasks": hard,
        "base_learner.steps": trained,
        "base_learner.order": trained,
        "base_learner.reduction": {cell for cell in grid.cells if cell.method != "update-all"},
        # Without pre-training it is always `episode`.
        "batch_norm": {cell for cell in grid.cells if grid.methods[cell.method].pretrained},
        # All other rows take the model of one iteration, and as many steps.
        "episodes.validation": {cell for cell in grid.cells if cell.method == "update-all"},
    }
    above = key if key in depend else key.partition(".")[0]
    expected = depend.get(above, set(grid.cells))
    if key.startswith("method."):  # some rows have the absurd value
        assert differ <= expected
    else:
        assert differ == expected


@pytest.mark.parametrize("key", [key for key in KEYS if _below(key, NOTHING) and "." in key])
def test_what_decides_nothing_leaves_all_numbers_judged(key):
    grid, protocol = with_absurd(key)
    assert not any(protocol.differences(cell) for cell in grid.cells)
