"""Jobs that an earlier run left in the queue of SLURM."""

import os
import shutil
import subprocess
from pathlib import Path

from mtl.runtime.errors import UserError

PREFIX = "mtl_"  # profiles/slurm gives jobs names that begin so


def check_queue(folder: Path) -> None:
    """Refuses to start beside jobs of an earlier run, whose Snakemake was killed or lost its login session.

    They write the same files, and each would first delete what another one made.

    Raises:
        UserError: there are such jobs.
    """
    if (tool := shutil.which("squeue")) is None:
        return
    command = [tool, "--noheader", "--user", str(os.getuid()), "--format", "%A %j %Z"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    fields = [line.split(maxsplit=2) for line in listed.stdout.splitlines() if line.count(" ") >= 2]
    left = sorted({number for number, name, place in fields if name.startswith(PREFIX) and _same(place, folder)})
    if left:
        numbers = " ".join(left)
        raise UserError(
            f"jobs of an earlier run are still queued or running here; wait for their end, or type: scancel {numbers} "
            "(what they trained so far is kept); then start again"
        )


def _same(place: str, folder: Path) -> bool:
    return os.path.realpath(place) == os.path.realpath(folder)
