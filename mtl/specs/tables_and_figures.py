"""`config/tables.yaml`: which methods make which table and figure."""

from dataclasses import dataclass
from typing import Annotated

from mtl.specs.declare import Settings, Within, key


@dataclass(frozen=True, kw_only=True)
class Group(Settings):
    """Rows of a table that belong together."""

    name: str = key("What the rows have in common.")
    methods: list[str] = key("Rows, keys of `config/methods.yaml`.")


@dataclass(frozen=True, kw_only=True)
class TableEntry(Settings):
    """A table."""

    title: str = key("Heading.")
    datasets: list[str] | None = key(
        "Datasets it covers, keys of `config/datasets.yaml`; if left out, all.", default=None
    )
    on_request: bool = key("Whether plain `snakemake` leaves it out.", default=False)
    others: bool = key("Whether it also shows the cells that no other table shows.", default=False)
    groups: list[Group] = key("Groups of rows, in order.", min_length=1)


@dataclass(frozen=True, kw_only=True)
class FigureEntry(Settings):
    """A figure."""

    title: str = key("Heading.")
    methods: list[str] | None = key(
        "Methods it shows, keys of `config/methods.yaml`; if left out, all.", default=None, min_length=1
    )
    datasets: list[str] | None = key(
        "Datasets it covers, keys of `config/datasets.yaml`; if left out, all.", default=None
    )


@dataclass(frozen=True, kw_only=True)
class SurveyEntry(Settings):
    """A survey: methods on one footing."""

    title: str = key("Heading.")
    against: list[str] = key(
        "Methods that all others are compared with over the same episodes, keys of `config/methods.yaml`.", min_length=1
    )
    groups: list[Group] = key("Groups of rows, in order.", min_length=1)


@dataclass(frozen=True, kw_only=True)
class Tables(Settings):
    """`config/tables.yaml`."""

    tables: dict[Annotated[str, Within(pattern="^table[0-9]+$")], TableEntry] = key(
        "The tables; a table's name is its file name."
    )
    surveys: dict[Annotated[str, Within(pattern="^table[0-9]+_measured$")], SurveyEntry] = key(
        "The surveys; a survey's name is its file name. Plain `snakemake` does not build them.", default_factory=dict
    )
    figures: dict[str, FigureEntry] = key(
        "The figures; `scales-and-shifts` is drawn by `mtl/reporting/figures/scales_and_shifts.py`."
    )
