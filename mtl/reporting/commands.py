"""Commands to print: what to type to make files again. They work in a clone and where the workflow is a module."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mtl.runtime.files import read_record


class Options(NamedTuple):
    """The options that make an experiment.

    Attributes:
        files: config files, the first of which the workflow reads by itself.
        given: what `--config` adds to them.
    """

    files: Sequence[Path] = ()
    given: Sequence[str] = ()


def recorded_options(manifest: Path) -> Options:
    """The options that a manifest names.

    Raises:
        UserError: it names none.
    """
    return Options([Path(file) for file in read_record(manifest, "configfiles")], read_record(manifest, "configs"))


def words_of(options: Options) -> list[str]:
    """The options as Snakemake takes them. They take every word that follows, so targets come first, or after `--`."""
    given = (("--configfile", options.files[1:]), ("--config", options.given))
    return [str(word) for option, values in given if values for word in (option, *values)]


def snakemake(targets: Sequence[Path], options: Options) -> str:
    """The command that builds targets; without any, all that the experiment consists of."""
    return shlex.join(map(str, ["snakemake", "--cores", "2", *targets, *words_of(options)]))


def remove(files: Sequence[Path]) -> str:
    """The command that removes files, so that Snakemake makes them again whatever its own records say of them."""
    return shlex.join(["rm", "-f", *map(str, files)])


def make_again(evaluation: Path, model: Path | None, options: Options) -> str:
    """The commands that make a cell again: its accuracy, and the model that it evaluates, if it is meta-trained."""
    # Not `--forcerun`: where the workflow is a module, its rules have other names.
    return f"{remove([path for path in (model, evaluation) if path])}; {snakemake([evaluation], options)}"
