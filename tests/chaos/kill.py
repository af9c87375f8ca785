"""Kills a run at random moments and starts it again with the same command, until it finishes undisturbed.

    python -m tests.chaos.kill FOLDER --kills 20 --signal KILL --within 30 -- make demo

FOLDER is a project that has not run yet. The whole process group is killed. At the end a digest of every result is
printed: it must equal that of an uninterrupted run (`--kills 0` in another folder).
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def killed(folder: Path, command: Sequence[str], kills: int, number: int, within: float, seed: int) -> int:
    """Runs a command, killing it up to `kills` times after a random time; returns how often it was killed."""
    chance, done = random.Random(seed), 0  # noqa: S311 - no secret
    while True:
        process = subprocess.Popen(command, cwd=folder, start_new_session=True)
        try:
            code = process.wait(chance.uniform(0, within) if done < kills else None)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, number)
            process.wait()
            done += 1
            sys.stderr.write(f"[kill] {done} of {kills}\n")
            continue
        if code:
            raise SystemExit(f"the command ended by itself with exit code {code} after {done} kills")
        return done


def processes(folder: Path, program: str, argument: str) -> list[int]:
    """Processes of a Python program, with this first argument, that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode().split("\0")
            place = (process / "cwd").resolve()
        except OSError:  # it has ended
            continue
        if place == folder.resolve() and [Path(word).name for word in command[1:3]] == [program, argument]:
            found.append(int(process.name))
    return found


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of all files below a folder, by path, except hidden ones and the page, which shows how long jobs took."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("[!.]*"))
        if path.is_file() and path.name != "report.html"
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--signal", choices=["KILL", "TERM", "INT"], default="KILL")
    parser.add_argument("--within", type=float, default=30.0, help="seconds; a kill comes at a random moment before")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    number = signal.Signals[f"SIG{options.signal}"]
    killed(options.folder, options.command, options.kills, number, options.within, options.seed)
    for name, digest in digests(options.folder / "results").items():
        sys.stdout.write(f"{digest}  {name}\n")


if __name__ == "__main__":
    main()
