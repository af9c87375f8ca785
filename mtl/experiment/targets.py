"""Checks the cells that people type as targets, before Snakemake says only that it has no rule for them."""

from collections.abc import Iterable

from mtl.experiment.cell import PLACE
from mtl.experiment.grid import Grid
from mtl.runtime.errors import UserError
from mtl.specs.checking import suggestion


def check_targets(words: Iterable[str], grid: Grid) -> None:
    """Checks the names and numbers in files of cells.

    Args:
        words: of the command line; those that are no files of cells are left to Snakemake.
        grid: the cells of the experiment, and the names there are.

    Raises:
        UserError: the experiment has no such dataset, backbone, seed, method, way or shot.
    """
    known = {name: grid.selected(name) for name in ("backbone", "seed", "way", "shot")}
    known |= {"dataset": list(grid.datasets), "method": list(grid.methods)}
    results = f"{grid.config.pathvars.results}/"
    for word in (word for word in words if word.startswith(results)):
        match = PLACE.match(word.removeprefix(results))
        for name, value in match.groupdict().items() if match else ():
            if value not in map(str, known[name]):
                raise UserError(f"{word}: {name} {value!r} is unknown{suggestion(value, known[name])}")
