"""Checks the folders that a run writes to, before Snakemake would fail on them with a traceback or mix experiments."""

from collections.abc import Iterable
from pathlib import Path

from mtl.experiment.layers import Layers
from mtl.experiment.project import Content, extended
from mtl.runtime.errors import UserError


def check_workflow_folder(folder: str) -> None:
    """Checks where the workflow itself is.

    Raises:
        UserError: Snakemake cannot work there.
    """
    if "{" in folder or "}" in folder:
        raise UserError(f"{folder}: Snakemake takes braces in this path for wildcards; rename the folder")


def check_image(path: str) -> None:
    """Checks that there is the image in which jobs are to run; Snakemake would start them without looking.

    Raises:
        UserError: it is not there.
    """
    if not Path(path).is_file():
        raise UserError(f"{path}: is not there, but --sdm apptainer runs all jobs in it; docs/cluster.md builds it")


def check_places(folders: Iterable[Path]) -> None:
    """Checks that folders exist or can be made.

    Raises:
        UserError: there is something else in the place of one.
    """
    for path in (place for folder in folders for place in (*reversed(folder.parents), folder)):
        if path.is_symlink() and not path.exists():
            raise UserError(f"{path}: is a link to {path.readlink()}, which is not there; make it, or another link")
        if path.exists() and not path.is_dir():
            raise UserError(f"{path}: is not a folder, but files are to be written there; move it away")


def check_own_folders(layers: Layers, base: Content) -> None:
    """Checks that whoever gives an experiment other results also gives it other logs and benchmarks.

    They have the names of cells, too. Logs of another experiment would say of its cells that they failed.

    Args:
        layers: the layers of the config.
        base: what they extend.

    Raises:
        UserError: a layer changes only some of the folders.
    """
    content = base
    for index, (name, layer) in enumerate(layers.items()):
        before = content["pathvars"]
        content = extended(content, layer)
        now = content["pathvars"]
        # The project's own file extends no other experiment.
        if index == 0 or now["results"] == before["results"]:
            continue
        for other in ("logs", "benchmarks"):
            if now[other] == before[other]:
                raise UserError(
                    f"{name}: pathvars.{other}: {now[other]!r} belongs to the experiment whose results are in "
                    f"{before['results']!r}; name all three folders: results, logs and benchmarks"
                )
