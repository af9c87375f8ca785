"""Which experiment a folder of results belongs to: its options, and the folders of its logs and measurements."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mtl.experiment.layers import layers_of, merged
from mtl.experiment.load import CONFIG
from mtl.experiment.project import Project
from mtl.reporting.commands import Options, recorded_options
from mtl.runtime.errors import UserError


class ExperimentOf(NamedTuple):
    """What is known of the experiment; None is unknown.

    Attributes:
        options: what makes it.
        logs: the folder of its logs.
        benchmarks: the folder in which Snakemake keeps the cost of each job.
    """

    options: Options | None = None
    logs: Path | None = None
    benchmarks: Path | None = None


def experiment_of(results: Path) -> ExperimentOf:
    """What is known of the experiment of a folder of results; the current folder is that of the project.

    The manifest names its config. Until there is one, only the default experiment is known by its folder.
    """
    manifest = results / "manifest.json"
    listed = manifest.is_file()
    options = recorded_options(manifest) if listed else Options([Project().path(CONFIG)])
    # Somebody may have received results without the config.
    with suppress(UserError, KeyError, TypeError):
        folders = merged(layers_of(options.files, options.given))["pathvars"]
        if Path(folders["results"]) == results:
            return ExperimentOf(options, Path(folders["logs"]), Path(folders["benchmarks"]))
    return ExperimentOf(options if listed else None)
