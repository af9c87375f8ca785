"""Looks, before any job starts, whether the images of an experiment are to be had, and are still the same."""

from collections.abc import Callable
from pathlib import Path

from mtl.data.edition import Edition, edition_of
from mtl.data.finding import cannot_be_downloaded, find
from mtl.data.split import images_by_class, read_class_list
from mtl.experiment.grid import Grid
from mtl.experiment.project import Project
from mtl.runtime.errors import UserError
from mtl.specs.datasets import FetchSpec

# Where Snakemake keeps what it ran jobs with.
RECORDS = Path(".snakemake/metadata")


def editions(grid: Grid, project: Project, warn: Callable[[str], object]) -> dict[str, Edition]:
    """The images that each dataset would have if it were fetched now.

    Args:
        grid: the experiment.
        project: where its class lists are.
        warn: shows a line if `data` is not set, so that an experiment can be planned without its images.

    Raises:
        UserError: a dataset is not in the folder `data`, or it changed and Snakemake cannot know.
    """
    found = {}
    for dataset in grid.selected("dataset"):
        entry = grid.datasets[dataset]
        if entry.kind != "images":
            continue
        spec = FetchSpec(dataset=dataset, sources=entry.sources, images_per_class=entry.images_per_class)
        listed = images_by_class(read_class_list(project.path(entry.split)))
        record = Path("resources", dataset, "source.json")
        found[dataset] = edition_of(record, spec, listed, grid.config.data)
        # Snakemake notices another edition by its records of parameters.
        if found[dataset].changed and not RECORDS.is_dir():
            raise UserError(
                f"{record}: is that of other images, and .snakemake, which tells what to make again, is gone; delete it"
            )
        if record.is_file():
            continue
        if grid.config.data:
            find(spec, listed, grid.config.data, verify=False)
        elif (problem := cannot_be_downloaded(spec)) is not None:
            warn(f"note: {problem}")
    return found
