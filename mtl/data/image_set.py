"""The images of one split as one tensor on the device."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mtl.data.split import read_rows
from mtl.runtime.errors import UserError


@dataclass(frozen=True)
class ImageSet:
    """All images of a split.

    Attributes:
        images: (N, 3, H, W) uint8, laid out channels-last, on the job's device.
        labels: (N,) class of each image, 0 to classes - 1, on the CPU.
        class_names: the class names, by label.
        first_row: first row of the split in `split.csv`; episodes store rows of that file.
    """

    images: torch.Tensor
    labels: np.ndarray
    class_names: list[str]
    first_row: int

    @property
    def rows_by_class(self) -> list[np.ndarray]:
        """Indices into `images`, class by class."""
        return [np.flatnonzero(self.labels == label) for label in range(len(self.class_names))]


def load_split(images: Path, split_csv: Path, split: str, device: torch.device) -> ImageSet:
    """Loads one split of the prepared images, reading only its part of the memory-mapped file.

    Raises:
        UserError: the files are damaged or do not belong together.
    """
    first, classes = read_rows(split_csv, split)
    names = list(dict.fromkeys(classes))
    label_of = {name: label for label, name in enumerate(names)}
    try:
        pixels = np.load(images, mmap_mode="r", allow_pickle=False)[first : first + len(classes)]
        fits = pixels.dtype == np.uint8 and pixels.shape[::3] == (len(classes), 3) and pixels.ndim == 4
    except Exception as error:  # whatever a damaged file makes NumPy raise
        raise UserError(f"{images}: not prepared images ({error}); delete it and run again") from None
    if not fits:
        raise UserError(f"{images}: does not hold the images of {split_csv}; delete it and run again")
    tensor = torch.from_numpy(np.array(pixels)).to(device).permute(0, 3, 1, 2)
    return ImageSet(tensor, np.array([label_of[name] for name in classes]), names, first)
