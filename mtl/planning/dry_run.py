"""The jobs that Snakemake would run, from its dry run."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mtl.reporting.commands import Options, words_of
from mtl.runtime.errors import UserError

# What Snakemake prints of a job's command is what it would run.
_COMMAND = re.compile(r"^(?:Shell command:)? *(?:\[.*?\|\| export \S+; )?(mtl .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """A job: its stage, its spec, and the files that its command names, by option."""

    stage: str
    spec: dict[str, Any]
    files: dict[str, str]


def planned(targets: Sequence[str], options: Options) -> list[Job]:
    """The jobs that are left to do for targets; without any, for all that the experiment consists of.

    Raises:
        UserError: Snakemake refuses; its words are shown.
    """
    # A profile may silence what is read here.
    shown = ["--dry-run", "--printshellcmds", "--quiet", "host"]
    command = [sys.executable, "-m", "snakemake", "--nolock", "--cores", "1", *shown]
    command += [*words_of(options), "--", *targets]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise UserError(f"snakemake --dry-run refuses:\n{(done.stdout + done.stderr).strip()}")
    return jobs_of(done.stdout + done.stderr)


def jobs_of(output: str) -> list[Job]:
    """The jobs whose commands a dry run shows.

    >>> jobs_of("Shell command: mtl split --classes a.csv --output b.csv 2>&1 | (exec tee c.log)")
    [Job(stage='split', spec={}, files={'classes': 'a.csv', 'output': 'b.csv'})]
    """
    found = []
    for command in _COMMAND.findall(output):
        words = shlex.split(command)
        own = iter(words[1 : words.index("2>&1")])
        stage = next(own)
        named = {word.removeprefix("--"): next(own) for word in own if word.startswith("--") and "=" not in word}
        spec = json.loads(named.pop("spec", "{}"))
        found.append(Job(stage.replace("-", "_"), spec, named))
    return found
