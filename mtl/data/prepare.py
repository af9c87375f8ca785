"""The `prepare` stage: every image of a dataset as one uint8 array that can be memory-mapped."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mtl.data.checks import inspect
from mtl.data.decode import decoded
from mtl.data.samples import write_samples
from mtl.data.source import ELSEWHERE, Source, read_source
from mtl.data.split import Row, read_split
from mtl.runtime.errors import UserError
from mtl.runtime.files import atomic, write_json
from mtl.runtime.progress import Progress
from mtl.spec import PrepareSpec

REPORT_EVERY = 5000  # images
SHOWN = 10  # groups of duplicates in the log; the summary has all


@dataclass(frozen=True)
class PreparePaths:
    """What preparation reads and writes; without a `source` the images are rendered (`glyphs`)."""

    split: Path
    source: Path | None
    images: Path
    samples: Path
    summary: Path


def prepare(spec: PrepareSpec, paths: PreparePaths, reference: str | None = None, threads: int = 1) -> None:
    """Prepares a dataset at one image size.

    `images` becomes a .npy of shape (images, size, size, 3), row i being row i of `split`; `samples` a picture of some
    of them; `summary` counts them, names the source, the duplicates and the SHA-256 of the pixels. Images of another
    size are scaled to the square directly, as in mini-imagenet-tools, with an antialiasing bilinear filter.

    Other packages, another processor or another source may give other pixels than those with the SHA-256 `reference`.
    That is said in one line and recorded, because results then agree only within their intervals.

    Raises:
        UserError: an image is missing, damaged or absurdly large, or the disk is full.
    """
    rows = read_split(paths.split)
    source = None if paths.source is None else read_source(paths.source)
    found = _rendered(spec, rows) if source is None else _read(spec, rows, source, threads)
    with atomic(paths.images) as temporary:
        sizes = _fill(temporary, spec, rows, found, _place(source))
        content = _summary(spec, rows, source, temporary, sizes, reference)
        pixels = np.load(temporary, mmap_mode="r")
        write_samples(pixels, [row.class_name for row in rows], paths.samples)
        write_json(paths.summary, content)
    _say(spec, content)


def _fill(
    path: Path, spec: PrepareSpec, rows: list[Row], found: Iterator[tuple[int, np.ndarray, str]], place: str
) -> Counter[str]:
    """Writes the pixels, and counts how many images had which size."""
    pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(rows), spec.size, spec.size, 3))
    offset, length = pixels.offset, pixels[0].nbytes
    seen, sizes = np.zeros(len(rows), dtype=bool), Counter[str]()
    with path.open("r+b") as file, Progress(f"prepare {spec.dataset}", len(rows)) as progress:
        try:
            # Else it would be found out at the end that the disk is too small.
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            raise UserError(f"{path.parent}: {error.strerror}: {path.stat().st_size / 1e6:.0f} MB are needed") from None
        for index, image, size in found:
            if seen[index]:
                raise UserError(f"{place}: image {rows[index].image} is there twice; {ELSEWHERE}")
            # Written to the file, because what is written to mapped memory stays in memory.
            file.seek(offset + index * length)
            file.write(np.ascontiguousarray(image).data)
            seen[index] = True
            sizes[size] += 1
            progress.step()
            if progress.done % REPORT_EVERY == 0:
                progress.report()
    if missing := len(rows) - np.count_nonzero(seen):
        first = rows[int(np.argmin(seen))]
        raise UserError(
            f"{place}: {missing} of {len(rows)} images are not there; the first is {first.image} of class "
            f"{first.class_name}; {ELSEWHERE}"
        )
    return sizes


def _rendered(spec: PrepareSpec, rows: list[Row]) -> Iterator[tuple[int, np.ndarray, str]]:
    from mtl.data.glyphs import Renderer, render

    if spec.seed is None:
        raise UserError("--spec.seed: rendered images need a seed")
    renderer = Renderer(spec.size)
    for index, row in enumerate(rows):
        name, _, number = row.image.partition("/")
        image = render(int(name.removeprefix("U+"), 16), int(number), spec.seed, renderer)
        yield index, image, f"{spec.size}x{spec.size}"


def _read(spec: PrepareSpec, rows: list[Row], source: Source, threads: int) -> Iterator[tuple[int, np.ndarray, str]]:
    from mtl.data.layouts import LAYOUTS

    index_of = {row.image: index for index, row in enumerate(rows)}
    wanted: dict[str, list[str]] = {}
    for row in rows:
        wanted.setdefault(row.class_name, []).append(row.image)
    if source.layout not in LAYOUTS:
        raise UserError(f"source.json of {spec.dataset}: layout: {source.layout!r} is none of {', '.join(LAYOUTS)}")
    layout = LAYOUTS[source.layout]
    for name, image, size in decoded(layout(source.members(), wanted), spec.size, threads):
        yield index_of[name], image, size


def _place(source: Source | None) -> str:
    return "the rendering" if source is None else f"{source.root} ({source.layout})"


def _summary(
    spec: PrepareSpec,
    rows: list[Row],
    source: Source | None,
    images: Path,
    sizes: Counter[str],
    reference: str | None,
) -> dict[str, Any]:
    per_class = Counter(row.class_name for row in rows)
    sha256, duplicates = inspect(images, rows)
    package = "matplotlib" if source is None else "pillow"
    return {
        "dataset": spec.dataset,
        "size": spec.size,
        "images": len(rows),
        "classes": dict(Counter({row.class_name: row.split for row in rows}.values())),
        "images_per_class": {"least": min(per_class.values()), "most": max(per_class.values())},
        "source": None if source is None else {"layout": source.layout, "files": source.files},
        "source_sizes": dict(sizes.most_common(10)),
        "sha256": sha256,
        "reference": None if reference is None else sha256 == reference,
        "packages": {package: version(package)},
        "duplicates": duplicates,
    }


def _say(spec: PrepareSpec, content: dict[str, Any]) -> None:
    """The counts, and whatever a reader of the numbers should know, one line each."""
    classes = ", ".join(f"{count} {split}" for split, count in content["classes"].items())
    lines = [f"{content['images']} images of {classes} classes"]
    for splits, groups in content["duplicates"].items():
        where = f"between {splits.replace(', ', ' and ')}" if "," in splits else f"within {splits}"
        names = "; ".join(" = ".join(group) for group in groups[:SHOWN]) + ("; ..." if len(groups) > SHOWN else "")
        lines.append(f"note: {len(groups)} groups of equal images {where}: {names}")
    if content["reference"] is False:
        lines.append(
            f"note: the pixels of {spec.dataset} differ from the reference (config/datasets.yaml: {spec.dataset}."
            "digests): another source, version of Pillow or matplotlib, or processor; expect results within their "
            "intervals only"
        )
    sys.stderr.write("".join(f"[prepare {spec.dataset}] {line}\n" for line in lines))
