"""Which GPU a job uses. Snakemake counts GPUs but assigns none."""

import fcntl
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from mtl.runtime.errors import UserError

WAIT = 1.0  # seconds
# Not $TMPDIR, which may differ between the jobs of a machine.
SHARED = (Path("/dev/shm"), Path("/tmp"))  # noqa: S108 - locks, opened without following links
JOBS_PER_GPU = "MTL_JOBS_PER_GPU"
# Closing a file would release its lock.
_held: list[IO[str]] = []


def jobs_per_gpu() -> int:
    """How many jobs share a GPU: one, unless the environment says more.

    Raises:
        UserError: the environment says no number from 1.
    """
    said = os.environ.get(JOBS_PER_GPU, "1")
    if not said.isdecimal() or int(said) < 1:
        raise UserError(f"environment: {JOBS_PER_GPU}: {said!r} is no number of jobs; write 1 or more")
    return int(said)


def visible_gpus() -> int:
    """How many GPUs the jobs of this machine may use, found without torch, whose import takes seconds."""
    if (chosen := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return len([name for name in chosen.split(",") if name.strip() and name.strip() != "-1"])
    if (tool := shutil.which("nvidia-smi")) is None:
        return 0
    listed = subprocess.run([tool, "--list-gpus"], capture_output=True, text=True, check=False)  # noqa: S603
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines()) if listed.returncode == 0 else 0


def claim_gpu(names: Sequence[str], folder: Path | None = None) -> int:
    """Takes a GPU that has room for one more job of this user; prints a note if it has to wait.

    The kernel releases the lock when the process ends, however it ends.

    Args:
        names: the own identifier of each GPU that this job may use, whatever its index here is.
        folder: where the lock files are; by default a folder that all jobs of a machine share.

    Returns:
        The place of the GPU among `names`.
    """
    folder = folder or next((place for place in SHARED if os.access(place, os.W_OK)), Path(tempfile.gettempdir()))
    # A second job joins the first only when all GPUs have one.
    seats = list(itertools.product(range(jobs_per_gpu()), enumerate(names)))
    told = False
    while True:
        for seat, (index, name) in seats:
            # Anyone can write to the folder, so following a link could open someone else's file.
            where = folder / f"mtl-{os.getuid()}-{name}{f'-{seat}' if seat else ''}.lock"
            file = os.fdopen(os.open(where, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
            else:
                _held.append(file)
                return index
        if not told:
            which = f"all {len(names)} GPUs" if len(names) > 1 else "the GPU"
            sys.stderr.write(f"note: other jobs hold {which}; waiting for one\n")
            told = True
        time.sleep(WAIT)
