"""Reads untrusted pickles: plain containers and numeric arrays, and nothing that could run code.

A pickle is a program. Its calls are redirected to the small classes of this file, so it cannot even reach NumPy's own
constructors, which trust their arguments.
"""

import pickle
from typing import Any

import numpy as np

from mtl.data.archives.members import Member
from mtl.runtime.errors import UserError

PICKLE_BYTES = 4 * 2**30
_TYPES = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"})


class _Type:
    """Stands in for `numpy.dtype`: plain numbers only."""

    def __init__(self, name: str | bytes, *_: object) -> None:
        self._name = text(name)
        self._order = "<"
        if self._name not in _TYPES:
            raise pickle.UnpicklingError(f"it holds an array of type {self._name!r}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._order = {"|": "<", "=": "<"}.get(text(state[1]), text(state[1]))

    def dtype(self) -> np.dtype[Any]:
        """The type itself."""
        return np.dtype(self._order + self._name)


class _Array:
    """Stands in for an array under reconstruction; `value` is made only from its bytes, type and shape."""

    value: np.ndarray

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, content = state
        self.value = _array(content, kind, shape, "F" if fortran else "C").value


def _array(content: bytes | bytearray, kind: _Type, shape: tuple[int, ...], order: str) -> _Array:
    made = _Array()
    made.value = np.frombuffer(content, kind.dtype()).reshape(shape, order="F" if order == "F" else "C")
    return made


def _scalar(kind: _Type, content: bytes) -> int | float | bool:
    return np.frombuffer(content, kind.dtype())[0].item()  # type: ignore[no-any-return]


def _encode(characters: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for the encoding {encoding!r}")
    return characters.encode("latin1")


# What pickled arrays call; under Python 3, protocol 2 writes bytes as `encode`d text.
_CALLS: dict[tuple[str, str], Any] = {
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("numpy._core.numeric", "_frombuffer"): _array,
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
}


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        call = (module.replace("numpy.core.", "numpy._core."), name)
        if call not in _CALLS:
            raise pickle.UnpicklingError(f"it would call {module}.{name}")
        return _CALLS[call]


def unpickle(member: Member) -> dict[str, Any]:
    """Loads a dictionary of containers and arrays, pickled by Python 2 or 3; text of Python 2 becomes bytes.

    Raises:
        UserError: it is damaged, or holds anything else.
    """
    member.refuse_above(PICKLE_BYTES)
    try:
        loaded = _Restricted(member.file, encoding="bytes").load()
    except Exception as error:  # a broken pickle can raise anything
        raise UserError(f"{member.archive}: {member.name}: refused or damaged pickle: {error}") from None
    if not isinstance(loaded, dict):
        raise UserError(f"{member.archive}: {member.name}: expected a pickled dictionary")
    return {text(key): value for key, value in loaded.items()}


def text(value: Any) -> str:
    """Text written by Python 2 or 3."""
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def pixels_of(content: dict[str, Any], key: str, shape: tuple[int | None, ...], member: Member) -> np.ndarray:
    """The uint8 array under a key; None in `shape` matches any length.

    Raises:
        UserError: there is no array of that type and shape.
    """
    array = getattr(content.get(key), "value", None)
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or not _fits(array.shape, shape):
        raise UserError(f"{member.archive}: {member.name}: {key!r} is not an array of uint8 of the expected shape")
    return array


def _fits(has: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(has) == len(wanted) and all(want in (None, is_) for want, is_ in zip(wanted, has, strict=True))


def integers_of(value: Any) -> list[int] | None:
    """A list or array of whole numbers as a list; None if it is anything else."""
    if isinstance(value, _Array):
        array = getattr(value, "value", None)
        return array.tolist() if array is not None and array.ndim == 1 and array.dtype.kind in "iu" else None
    whole = isinstance(value, list) and all(type(item) is int for item in value)
    return value if whole else None
