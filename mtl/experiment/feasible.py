"""Checks that an experiment can run: enough classes and images for its tasks, hard tasks that fill meta-batches."""

from collections.abc import Collection
from itertools import product
from pathlib import PurePosixPath

from mtl.data.archives.images import SUFFIXES, is_image
from mtl.data.split import SPLITS, images_by_class, read_class_list
from mtl.experiment.cell import Cell
from mtl.experiment.grid import Grid
from mtl.experiment.project import Content, Project
from mtl.runtime.errors import UserError
from mtl.runtime.extensions import extensions
from mtl.specs.datasets import DatasetEntry


def check_feasible(grid: Grid, with_curves: Collection[str], source: str) -> None:
    """Checks every cell.

    Raises:
        UserError: a cell cannot run; the line names the file `source` and the key.
    """
    for index, override in enumerate(grid.overrides):
        shared = override.keys() & {"width", "pretrain"}
        when = override["when"].keys() - {"dataset", "backbone"}
        if shared and when:
            raise UserError(
                f"{source}: overrides[{index}].when.{min(when)}: Θ is shared by all methods, ways and shots, so an "
                f"override of {min(shared)} may only name a dataset and a backbone"
            )
    _check_ways(grid, source)
    for cell in grid.cells:
        settings = grid.settings_of(cell)
        _check_images(grid, cell, grid.query(cell.shot), f"{source}: shots", "episodes.query")
        _check_queries_together(grid, cell, settings, source)
        _check_pretraining(grid, cell, settings, source)
        if grid.methods[cell.method].meta_trained:
            _check_meta_training(grid, cell, settings, source, curve=cell.method in with_curves)
        if grid.methods[cell.method].has_hard_tasks:
            _check_hard_tasks(cell, settings, source)


def _check_ways(grid: Grid, source: str) -> None:
    for index, entry in enumerate(grid.config.grids):
        key = "ways" if entry.ways is None else f"grids[{index}].ways"
        for dataset, way in product(entry.datasets or grid.config.datasets, entry.ways or grid.config.ways):
            for split in SPLITS:
                if way > (has := getattr(grid.datasets[dataset].classes, split)):
                    raise UserError(
                        f"{source}: {key}: {way} classes per task, but {dataset} has only {has} {split} classes"
                    )


def _check_queries_together(grid: Grid, cell: Cell, settings: Content, source: str) -> None:
    together = grid.queries_together(settings, cell.shot)
    if together is None:
        return
    if (query := grid.query(cell.shot)) % together:
        raise UserError(
            f"{source}: queries_together: {together} (for {cell.folder}) does not divide the {query} query images per "
            "class (episodes.query)"
        )
    learner = grid.methods[cell.method].learner
    if extensions("learners")[learner]["WHOLE_QUERY_SETS"]:
        raise UserError(
            f"{source}: queries_together: {together} (for {cell.folder}), but the learner {learner!r} can only take "
            f"all queries of a task together; write all for {cell.method}"
        )


def _check_pretraining(grid: Grid, cell: Cell, settings: Content, source: str) -> None:
    entry = grid.datasets[cell.dataset]
    batch = settings["pretrain"]["batch_size"]
    if batch > (has := entry.classes.train * entry.images_per_class):
        raise UserError(f"{source}: pretrain.batch_size: {batch}, but {cell.dataset} has {has} training images")


def _check_meta_training(grid: Grid, cell: Cell, settings: Content, source: str, curve: bool) -> None:
    meta_train = settings["meta_train"]
    named = [("selected_iteration", meta_train["selected_iteration"])]
    named += [("snapshots", at) for at in meta_train["snapshots"] if curve]
    for key, iteration in named:
        if isinstance(iteration, int) and iteration > meta_train["iterations"]:
            raise UserError(
                f"{source}: meta_train.{key}: {iteration} (for {cell.folder}) lies beyond the "
                f"{meta_train['iterations']} iterations"
            )
    _check_images(grid, cell, meta_train["query"], f"{source}: shots", "meta_train.query")
    _check_training_way(grid, cell, meta_train["way"], source)


def _check_training_way(grid: Grid, cell: Cell, way: int | None, source: str) -> None:
    if way is None:
        return
    if way > (has := grid.datasets[cell.dataset].classes.train):
        raise UserError(
            f"{source}: meta_train.way: {way} classes per task (for {cell.folder}), but {cell.dataset} has only {has} "
            "train classes"
        )
    learner = grid.methods[cell.method].learner
    if way != cell.way and not extensions("learners")[learner]["ANY_WAY"]:
        raise UserError(
            f"{source}: meta_train.way: {way} (for {cell.folder}), but what the learner {learner!r} learns is for one "
            f"number of classes; write null or {cell.way}"
        )


def _check_hard_tasks(cell: Cell, settings: Content, source: str) -> None:
    hard = settings["hard_tasks"]
    tasks = settings["meta_train"]["tasks"]
    way = settings["meta_train"]["way"] or cell.way
    if hard["tasks"] % tasks:
        raise UserError(
            f"{source}: hard_tasks.tasks: {hard['tasks']} (for {cell.folder}) is not a multiple of "
            f"meta_train.tasks: {tasks}"
        )
    if hard["every"] * tasks < way:
        raise UserError(
            f"{source}: hard_tasks.every: {hard['every']} meta-batches of {tasks} tasks (for {cell.folder}) can never "
            f"fail in the {way} classes of a hard task; write more"
        )


def _check_images(grid: Grid, cell: Cell, query: int, where: str, key: str) -> None:
    if cell.shot + query > (has := grid.datasets[cell.dataset].images_per_class):
        raise UserError(
            f"{where}: {cell.shot} support and {query} query images per class ({key}), "
            f"but {cell.dataset} has {has} images per class"
        )


def check_class_lists(grid: Grid, project: Project) -> None:
    """Checks that every class list has as many classes as `datasets.yaml` says.

    Raises:
        UserError: a list is missing or damaged, or has other numbers of classes.
    """
    for dataset in grid.selected("dataset"):
        entry = grid.datasets[dataset]
        path = project.path(entry.split)
        if not path.is_file():
            raise UserError(f"config/datasets.yaml: {dataset}.split: there is no file {entry.split}")
        listed = read_class_list(path)
        counts = {split: len(names) for split, names in listed.items()}
        if counts != vars(entry.classes):
            raise UserError(
                f"config/datasets.yaml: {dataset}.classes: {vars(entry.classes)}, but {entry.split} has {counts}"
            )
        _check_images_listed(dataset, entry, images_by_class(listed))


def _check_images_listed(dataset: str, entry: DatasetEntry, listed: dict[str, list[str]]) -> None:
    """Checks a list that names images, which therefore need not be looked for."""
    for name, images in listed.items() if any(listed.values()) else ():
        if len(images) < entry.images_per_class:
            raise UserError(
                f"config/datasets.yaml: {dataset}.images_per_class: {entry.images_per_class}, but {entry.split} lists "
                f"{len(images)} of class {name!r}"
            )
        unread = [image for image in images if not is_image(PurePosixPath(image))]
        if unread and any(source.form == "images" for source in entry.sources):
            raise UserError(f"{entry.split}: image {unread[0]!r}: ends in none of {', '.join(sorted(SUFFIXES))}")
