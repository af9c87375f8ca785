"""Small archives in the formats of the real ones."""

import io
import pickle
import struct
import tarfile
from typing import ClassVar

import numpy as np
from PIL import Image

RNG = np.random.default_rng(0)


def jpeg(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


def plain_image(value, size=84):
    """An image of one grey value, recognisable after scaling and JPEG."""
    return np.full((size, size, 3), value, np.uint8)


def noise_image(size=84):
    return RNG.integers(0, 256, (size, size, 3), dtype=np.uint8)


def write_tar(path, files, mode="w"):
    """A tar of `files`: name -> bytes, or a TarInfo for anything else."""
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def tar_bytes(files):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return file.getvalue()


class Python2Pickler(pickle._Pickler):
    """Writes text, bytes and arrays as Python 2 did, as in CIFAR-100's archive and the older caches."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_string(self, value):
        content = value.encode("latin1") if isinstance(value, str) else value
        if len(content) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(content)]) + content)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        self.memoize(value)

    def save_global(self, value, name=None):
        if getattr(value, "__name__", "") == "_reconstruct":
            self.write(pickle.GLOBAL + b"numpy.core.multiarray\n_reconstruct\n")
            self.memoize(value)
        else:
            super().save_global(value, name)

    dispatch[str] = save_string
    dispatch[bytes] = save_string


Python2Pickler.dispatch[type(np.zeros)] = Python2Pickler.save_global


def python2_pickle(content):
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(content)
    return file.getvalue()


class Bomb:
    """Unpickled by anything less careful, it would write a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))
