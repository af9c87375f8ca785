"""A picture of a prepared dataset, to look at before trusting any number."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.utils import make_grid

from mtl.runtime.files import atomic

COLUMNS = 20
ROWS = 5


def write_samples(pixels: np.ndarray, classes: Sequence[str], path: Path) -> None:
    """Writes the first images of classes spread evenly over the dataset, one column per class.

    Args:
        pixels: (N, size, size, 3) uint8 images, class by class.
        classes: the class of each image.
        path: the PNG.
    """
    _, first, counts = np.unique(np.array(classes), return_index=True, return_counts=True)
    order = np.argsort(first)
    chosen = order[np.linspace(0, len(order) - 1, min(COLUMNS, len(order))).astype(int)]
    rows = min(ROWS, int(counts.min()))
    images = torch.from_numpy(pixels[[first[label] + row for row in range(rows) for label in chosen]])
    grid = make_grid(images.permute(0, 3, 1, 2), nrow=len(chosen), padding=1, pad_value=255)
    with atomic(path) as temporary:
        Image.fromarray(grid.permute(1, 2, 0).numpy()).save(temporary)
