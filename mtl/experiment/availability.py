"""Looks, before any job starts, whether the images of an experiment are to be had."""

from collections.abc import Callable
from pathlib import Path

from mtl.data.finding import cannot_be_downloaded, find
from mtl.data.split import images_by_class, read_class_list
from mtl.experiment.grid import Grid
from mtl.experiment.project import Project
from mtl.specs.datasets import FetchSpec


def check_available(grid: Grid, project: Project, warn: Callable[[str], object]) -> None:
    """Looks for the datasets that are not fetched yet, without reading them.

    Args:
        grid: the experiment.
        project: where its class lists are.
        warn: shows a line if `data` is not set, so that an experiment can be planned without its images.

    Raises:
        UserError: a dataset is not in the folder `data`.
    """
    for dataset in grid.selected("dataset"):
        entry = grid.datasets[dataset]
        if entry.kind != "images" or Path("resources", dataset, "source.json").is_file():
            continue
        spec = FetchSpec(dataset=dataset, sources=entry.sources)
        if grid.config.data:
            listed = images_by_class(read_class_list(project.path(entry.split)))
            find(spec, listed, grid.config.data, verify=False)
        elif (problem := cannot_be_downloaded(spec)) is not None:
            warn(f"note: {problem}")
