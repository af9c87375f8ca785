"""Whether a cell has the ways, image size, width and schedule of the paper, so that its number can be judged."""

from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid, applies
from mtl.experiment.project import Content


def at_paper_scale(grid: Grid, cell: Cell, entries: list[Content]) -> bool:
    """Checks a cell against every entry of `paper_scale` in `config/tables.yaml` whose `when` holds."""
    settings = {"way": cell.way, "image_size": grid.config.image_size, **grid.settings_of(cell)}
    # Of a method without meta-training, only Θ has a schedule.
    ignored = {"when"} if grid.methods[cell.method].meta_trained else {"when", "meta_train"}
    return all(
        _contains(settings, {key: value for key, value in entry.items() if key not in ignored})
        for entry in entries
        if applies(entry["when"], vars(cell))
    )


def _contains(settings: Content, entry: Content) -> bool:
    """Whether settings have all the values of an entry."""
    return all(
        _contains(settings[key], value) if isinstance(value, dict) else settings[key] == value
        for key, value in entry.items()
    )
