"""Which images a class has: as listed, as found in its folder, or numbered."""

from pathlib import Path

from mtl.data.archives.images import images_by_folder
from mtl.data.source import read_source
from mtl.data.split import ClassList
from mtl.runtime.errors import UserError


def numbered_images(classes: ClassList, images_per_class: int) -> ClassList:
    """Completes the class list of rendered images, which have no names of their own: `class/0000`, `class/0001`, ...

    Args:
        classes: split -> class -> images.
        images_per_class: how many each class gets.
    """
    names = [f"{image:04d}" for image in range(images_per_class)]
    return {
        split: {name: [f"{name}/{image}" for image in names] for name in of_split}
        for split, of_split in classes.items()
    }


def found_images(classes: ClassList, images_per_class: int, source: Path) -> ClassList:
    """Completes a class list that names no images.

    In a tree or archive of image files, a class has the images in the folder of its name; otherwise they are numbered.

    Args:
        classes: split -> class -> images.
        images_per_class: minimum number per class, and the exact number where images are numbered.
        source: `source.json`.

    Raises:
        UserError: a class has too few images, or no folder.
    """
    if not any(images for names in classes.values() for images in names.values()):
        found = read_source(source)
        if found.form != "images":
            return numbered_images(classes, images_per_class)
        folders = images_by_folder(Path(found.root), list(found.files))
        classes = {split: {name: folders.get(name, []) for name in names} for split, names in classes.items()}
    for split, names in classes.items():
        for name, images in names.items():
            if len(images) < images_per_class:
                raise UserError(
                    f"{source}: {split} class {name!r} has {len(images)} images; "
                    f"config/datasets.yaml: images_per_class promises {images_per_class}"
                )
    return classes
