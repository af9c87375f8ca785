"""The forms in which a dataset comes, one module each.

A layout is a function from the files of an archive or tree and the wanted images (class -> names, as in `split.csv`)
to pairs of a name and an image: an encoded file as bytes, or an array (H, W, 3) of uint8. It may skip what is not
wanted, and yields every image once, in any order. Nothing is unpacked on disk.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from mtl.data.layouts.cifar100 import read_cifar100
from mtl.data.layouts.ilsvrc import read_ilsvrc
from mtl.data.layouts.images import read_images
from mtl.data.layouts.members import Member
from mtl.data.layouts.pickles import read_pickles

Layout = Callable[[Iterable[Member], Mapping[str, Sequence[str]]], Iterator[tuple[str, bytes | np.ndarray]]]

LAYOUTS: dict[str, Layout] = {
    "images": read_images,
    "pickles": read_pickles,
    "ilsvrc": read_ilsvrc,
    "cifar100": read_cifar100,
}
