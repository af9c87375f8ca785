"""The interpreter that jobs start."""

import os
from pathlib import Path


def first_on_path(folder: Path) -> None:
    """Puts a folder first on PATH, so that jobs find the `mtl` of the interpreter that runs Snakemake.

    A scheduler may start a job with a PATH of its own, on which there is another `mtl` or none. An environment that
    Snakemake activates for a job still comes before it.
    """
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if places[0] != str(folder):
        os.environ["PATH"] = os.pathsep.join([str(folder), *places])
