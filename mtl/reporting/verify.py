"""`mtl verify`: what has gone wrong with results since the manifest was written, what is not as the config asks."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mtl.experiment.layers import layers_of, merged
from mtl.experiment.load import CONFIG, Experiment, load
from mtl.experiment.project import Project
from mtl.reporting.commands import Options, recorded_options, remove, snakemake
from mtl.reporting.comparison import Problems, cells_not_as_asked
from mtl.reporting.images_asked import images_not_as_asked
from mtl.reporting.manifest import NOTICED, problems_of
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record, sha256


def verify(results: Path, files: Sequence[Path] = (), given: Sequence[str] = ()) -> None:
    """Prints what is wrong, what to type to mend it, and the manifest's own checksum.

    Args:
        results: the folder of results; the current folder is that of the project.
        files: config files that extend the project's own. Without these and `given`: those that the manifest names,
            as they are now.
        given: what `--config` adds to them.

    Raises:
        UserError: there is no manifest, the config is not that of these results, or something is wrong.
    """
    if not results.is_dir():
        raise UserError(f"{results}: there is no such folder")
    manifest = results / "manifest.json"
    found = list(problems_of(results))
    if files or given:
        options = Options([Project().path(CONFIG), *files], given)
        experiment: Experiment | None = _experiment(options, results)
    else:
        options = recorded_options(manifest)
        experiment = _experiment_or_note(options, results)
    if experiment is not None:
        found += not_as_asked(experiment, results)
    problems = list(dict.fromkeys(found))
    sys.stdout.write("".join(f"{path}: {problem}\n" for path, problem in problems))
    fine = ", all files are as it lists them" + (", and as the config asks" if experiment else "")
    sys.stdout.write(f"{manifest}: sha256 {sha256(manifest)}{'' if problems else fine}\n")
    if not problems:
        return
    archives = set(map(Path, read_record(manifest, "archives")))
    lost = {path for path, problem in problems if not problem.endswith(NOTICED)} - archives
    _advise(sorted(lost), sorted({path for path, _ in problems} - archives), options)
    raise UserError(
        f"{results}: problems, listed above: {len(problems)}"
        + ("; first make again what is listed, because plain snakemake takes it as it is" if lost else "")
    )


def not_as_asked(experiment: Experiment, results: Path) -> Problems:
    """What is missing or was made with other settings than the config asks, file by file."""
    for dataset in dict.fromkeys(cell.dataset for cell in experiment.inventory.cells()):
        yield from images_not_as_asked(experiment.jobs.asked_images(dataset))
    yield from cells_not_as_asked(experiment, results)


def _experiment(options: Options, results: Path) -> Experiment:
    """The experiment as the workflow loads it.

    Raises:
        UserError: the config is wrong, or its results are elsewhere.
    """
    layers = layers_of(options.files, options.given)
    experiment = load(merged(layers), layers=layers)
    if (place := Path(experiment.grid.config.pathvars.results)) != results:
        raise UserError(f"{' + '.join(layers)}: pathvars.results is {place}, not {results}")
    return experiment


def _experiment_or_note(options: Options, results: Path) -> Experiment | None:
    """The same, or a note: somebody may have received results without the config."""
    try:
        return _experiment(options, results)
    except UserError as error:
        sys.stdout.write(f"note: not compared with the config: {error}\n")
        return None


def _advise(lost: list[Path], stale: list[Path], options: Options) -> None:
    """Prints what to type. Snakemake notices other code and other inputs, but not what became of its outputs."""
    everything = snakemake([], options)
    if lost:
        there = [path for path in lost if path.exists()]
        removed = f"{remove(there)}; " if there else ""
        lines = [f"to make them again: {removed}{snakemake(lost, options)}; {everything}"]
    elif stale:
        lines = [
            f"to make them again: {everything}",
            f"what is still stale then: {remove(stale)}; {snakemake(stale, options)}; {everything}",
        ]
    else:
        lines = []
    sys.stdout.write("".join(f"{line}\n" for line in lines))
