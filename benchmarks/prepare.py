"""Preparing the 60,000 JPEG images of miniImageNet: wall time, peak memory, and the ratio to bare decoding and scaling.

    python -m benchmarks.prepare [--data FOLDER] [--size 84] [--threads 2]

With `--data`, from the archives or tree in that folder; without it, from an archive of as many synthetic images.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from mtl.data.archives.images import is_image
from mtl.data.source import read_source

ROOT = Path(__file__).parents[1]
CLASSES = ROOT / "config/splits/miniimagenet.csv"


def make_archive(path: Path) -> None:
    """A tar of JPEG files with the names of miniImageNet: blurred noise, about as large as photographs."""
    rng, contents = np.random.default_rng(0), []
    for _ in range(300):
        noise = Image.fromarray(rng.integers(0, 256, (84, 84, 3), dtype=np.uint8)).filter(ImageFilter.GaussianBlur(1))
        file = io.BytesIO()
        noise.save(file, "JPEG", quality=95)
        contents.append(file.getvalue())
    names = [line.rpartition(",")[2] for line in CLASSES.read_text().splitlines()[1:]]
    with tarfile.open(path, "w") as tar:
        for index, name in enumerate(names):
            content = contents[index % len(contents)]
            entry = tarfile.TarInfo(f"images/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def stage(*arguments: object) -> tuple[float, float]:
    """Runs `mtl <stage>` in its own process; returns its seconds and its peak memory in MB."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "mtl.cli", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - our own command
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"mtl {arguments[0]} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def bare(source: Path, size: int, threads: int) -> float:
    """Seconds to decode and scale the same images from memory, and nothing else."""
    contents = [member.read(2**26) for member in read_source(source).members({}, "") if is_image(member.name)]

    def decode(content: bytes) -> np.ndarray:
        image = Image.open(io.BytesIO(content)).convert("RGB")
        return np.asarray(
            image if image.size == (size, size) else image.resize((size, size), Image.Resampling.BILINEAR)
        )

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(contents), 1000):
            list(pool.map(decode, contents[first : first + 1000]))
    return time.perf_counter() - began


def main() -> None:
    """Prepares once and prints one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--size", type=int, default=84)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary)
        datasets, source, split = ROOT / "config/datasets.yaml", out / "source.json", out / "split.csv"
        if options.data is None:
            make_archive(out / "miniimagenet.tar")
        where = ("--datasets", datasets, "--dataset", "miniimagenet", "--folder", options.data or out)
        stage("fetch", *where, "--classes", CLASSES, "--archives", out, "--output", source)
        stage("split", "--classes", CLASSES, "--images-per-class", 600, "--source", source, "--output", split)
        spec = json.dumps({"dataset": "miniimagenet", "seed": None, "size": options.size})
        outputs = {"images": "images.npy", "samples": "samples.png", "summary": "summary.json"}
        files = [argument for name, file in outputs.items() for argument in (f"--{name}", out / file)]
        seconds, megabytes = stage(
            "prepare", "--spec", spec, "--threads", options.threads, "--split", split, "--source", source, *files
        )
        floor = bare(source, options.size, options.threads)
    print(
        f"60,000 JPEG images to {options.size} px on {options.threads} threads: {seconds:.1f} s, peak {megabytes:.0f} "
        f"MB; {seconds / floor:.2f} x bare decoding and scaling ({floor:.1f} s)"
    )


if __name__ == "__main__":
    main()
