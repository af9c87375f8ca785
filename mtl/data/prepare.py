"""The `prepare` stage: every image of a dataset as one uint8 array that can be memory-mapped."""

import csv
import hashlib
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy as np

from mtl.data.glyphs import Renderer, render
from mtl.data.samples import write_samples
from mtl.runtime.files import atomic, write_json
from mtl.runtime.progress import Progress
from mtl.spec import PrepareSpec


def prepare_glyphs(spec: PrepareSpec, split: Path, images: Path, samples: Path, summary: Path) -> None:
    """Renders the dataset `glyphs`: `images` becomes a .npy of shape (images, size, size, 3), in the order of `split`.

    `samples` becomes a picture of some of them, `summary` gets the counts and the SHA-256 of the pixels. Another
    matplotlib or another kind of processor may round a pixel differently; that is said in one line and recorded,
    because results then agree only within their intervals.
    """
    with split.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    renderer = Renderer(spec.size)
    pixels = np.empty((len(rows), spec.size, spec.size, 3), dtype=np.uint8)
    with Progress(f"prepare {spec.dataset}", len(rows)) as progress:
        for index, row in enumerate(rows):
            name, number = row["image"].split("/")
            pixels[index] = render(int(name.removeprefix("U+"), 16), int(number), spec.seed, renderer)
            progress.step()
            if (index + 1) % 5000 == 0:
                progress.report()
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    if spec.digest not in (None, digest):
        sys.stderr.write(
            f"note: the pixels of {spec.dataset} differ from the reference rendering (config/datasets.yaml: "
            f"{spec.dataset}.digests): another matplotlib or processor; expect results within their intervals only\n"
        )
    with atomic(images) as temporary:
        np.save(temporary, pixels)
    write_samples(pixels, [row["class"] for row in rows], samples)
    classes = {row["class"]: row["split"] for row in rows}
    write_json(
        summary,
        {
            "dataset": spec.dataset,
            "size": spec.size,
            "images": len(rows),
            "classes": dict(Counter(classes.values())),
            "sha256": digest,
            "matplotlib": version("matplotlib"),
            "reference": None if spec.digest is None else digest == spec.digest,
        },
    )
