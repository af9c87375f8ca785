"""Opens the images of a dataset, whichever way it comes by them."""

from pathlib import Path

from mtl.data.prepare import Opened
from mtl.specs.preparing import PrepareSpec


def opening(spec: PrepareSpec, source: Path | None, folder: str, threads: int) -> Opened:
    """Returns what opens the images for the rows of a split; without a source they are rendered.

    Args:
        spec: dataset and size.
        source: `source.json`.
        folder: the setting `data`.
        threads: how many images are decoded at once.
    """
    # Each way needs packages that the other does not.
    if source is None:
        from mtl.data.glyphs import rendered

        return lambda rows: rendered(spec, rows)
    from mtl.data.source_images import opened

    return lambda rows: opened(spec, rows, source, folder, threads)
