"""Which images a class has: as listed, as found in its folder, or numbered."""

from pathlib import Path

from mtl.data.layouts.images import images_by_folder
from mtl.data.source import read_source
from mtl.data.split import ClassList, numbered
from mtl.runtime.errors import UserError


def with_images(classes: ClassList, images_per_class: int, source: Path | None) -> ClassList:
    """Completes a class list without images.

    Args:
        classes: split -> class -> images.
        images_per_class: how many each class must have at least, and has where images are only numbered.
        source: `source.json`; None for rendered images.

    Raises:
        UserError: a class has too few images, or no folder.
    """
    listed = any(images for names in classes.values() for images in names.values())
    if not listed:
        folders = _folders(source)
        classes = {
            split: {
                name: numbered(name, images_per_class) if folders is None else folders.get(name, []) for name in names
            }
            for split, names in classes.items()
        }
    for split, names in classes.items():
        for name, images in names.items():
            if len(images) < images_per_class:
                raise UserError(
                    f"{source or 'class list'}: {split} class {name!r} has {len(images)} images; "
                    f"config/datasets.yaml: images_per_class promises {images_per_class}"
                )
    return classes


def _folders(source: Path | None) -> dict[str, list[str]] | None:
    """The images in the folder of each class, where the source has folders."""
    if source is None or (found := read_source(source)).layout != "images":
        return None
    return images_by_folder(Path(found.root), list(found.files))
