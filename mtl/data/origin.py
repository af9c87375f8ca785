"""Where the images of a dataset come from: they are rendered, or read from archives or a tree."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np


class Origin(NamedTuple):
    """Where the images of a split come from.

    Attributes:
        place: its name in errors.
        record: its entry in the summary of a prepared dataset; None for rendered images.
        package: the package whose version may change pixels.
        images: row of `split.csv`, image (size, size, 3) uint8, and original size as `WxH`; in any order.
    """

    place: str
    record: dict[str, Any] | None
    package: str
    images: Iterator[tuple[int, np.ndarray, str]]
