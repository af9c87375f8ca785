"""Which images a class has: as listed, as found in its folder, or numbered."""

import sys
from pathlib import Path

from mtl.data.archives.images import is_image
from mtl.data.class_folders import picked
from mtl.data.source import read_source
from mtl.data.split import ClassList, images_by_class
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


def found_images(classes: ClassList, images_per_class: int, source: Path, folder: str = "") -> ClassList:
    """Completes a class list that names no images.

    In a tree or archive of image files, a class has the images in the folder of its name; otherwise they are numbered.

    Args:
        classes: split -> class -> images.
        images_per_class: minimum number per class, and the exact number where images are numbered.
        source: `source.json`.
        folder: the setting `data`: where it may have been moved to.

    Raises:
        UserError: a class has too few images, or no folder, or it is not clear which folder is meant.
    """
    listed = images_by_class(classes)
    if not any(listed.values()):
        found = read_source(source)
        if found.form != "images":
            return numbered_images(classes, images_per_class)
        paths = [member.name for member in found.members(listed, folder) if is_image(member.name)]
        try:
            images = picked(paths, listed, found.merge)
        except UserError as error:
            raise UserError(f"{found.root}: {error}") from None
        listed = {name: list(of_class) for name, of_class in images.items()}
        if left := len(paths) - sum(map(len, listed.values())):
            sys.stderr.write(f"note: {found.root}: images that belong to no class of the list: {left}\n")
        place = " + ".join(str(Path(found.root, name)) for name in found.files) or found.root
        for name, of_class in listed.items():
            if len(of_class) < images_per_class:
                raise UserError(
                    f"{place}: class {name!r} has {len(of_class)} images; "
                    f"config/datasets.yaml: images_per_class promises {images_per_class}"
                )
    return {split: {name: listed[name] for name in names} for split, names in classes.items()}
