"""Pickles from strangers: plain containers and numeric arrays, and nothing that could run."""

import io
import pickle
from typing import Any

import numpy as np

from mtl.data.layouts.members import Member
from mtl.runtime.errors import UserError

PICKLE_BYTES = 4 * 2**30

# What pickled arrays are made of; under Python 3, protocol 2 writes bytes as `encode`d text.
_ALLOWED = {
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        today = module.replace("numpy.core.", "numpy._core.")
        if (today, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it would call {module}.{name}")
        return super().find_class(today, name)


def unpickle(member: Member) -> dict[str, Any]:
    """A pickled dictionary of containers and arrays, written by Python 2 or 3.

    Raises:
        UserError: it is damaged, or holds anything else.
    """
    content = member.read(PICKLE_BYTES)
    try:
        # latin1 is how NumPy wants pickles of Python 2 to be read; text of Python 3 is not touched by it.
        loaded = _Restricted(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # a broken pickle can raise anything
        raise UserError(f"{member.archive}: {member.name}: refused or damaged pickle: {error}") from None
    if not isinstance(loaded, dict):
        raise UserError(f"{member.archive}: {member.name}: expected a pickled dictionary")
    return loaded


def array_of(content: dict[str, Any], key: str, shape: tuple[int | None, ...], member: Member) -> np.ndarray:
    """The uint8 array under a key; None in `shape` is any length.

    Raises:
        UserError: there is none of that type and shape.
    """
    array = content.get(key)
    fits = (
        isinstance(array, np.ndarray)
        and array.dtype == np.uint8
        and array.ndim == len(shape)
        and all(want in (None, has) for want, has in zip(shape, array.shape, strict=True))
    )
    if not fits:
        raise UserError(f"{member.archive}: {member.name}: {key!r} is not an array of uint8 of the expected shape")
    return np.asarray(array)
