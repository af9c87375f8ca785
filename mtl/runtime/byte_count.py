"""How much memory a piece of work needs, counted without doing it: its tensors have shapes and types, but no values."""

import copy
import sys
import weakref
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Module = TypeVar("Module", bound=nn.Module)
_counted: weakref.WeakKeyDictionary[nn.Module, dict[Any, int]] = weakref.WeakKeyDictionary()


def bytes_of(module: Module, work: Callable[..., object], *tensors: torch.Tensor, also: Hashable = None) -> int:
    """The result of `count_bytes`, counted once for a module, a function, the shapes of its arguments, and `also`.

    It is 0, nothing that is known, if the work cannot be counted: that of a learner from elsewhere may look at values.
    """
    counts = _counted.setdefault(module, {})
    shapes = ((tensor.shape, tensor.dtype) for tensor in tensors)
    key = (work.__code__, also, torch.is_autocast_enabled("cpu"), *shapes)
    if key not in counts:
        try:
            counts[key] = count_bytes(module, work, *tensors)
        except Exception as error:
            # What is wrong with the work itself shows when it is done.
            sys.stderr.write(f"note: how much memory this takes is not known beforehand ({type(error).__name__})\n")
            counts[key] = 0
    return counts[key]


def count_bytes(module: Module, work: Callable[..., object], *tensors: torch.Tensor) -> int:
    """The most bytes that `work(module, *tensors)` has in use at one time, beside its arguments.

    It counts the results of operations, what they leave for the backward pass, and gradients; not what an operation
    needs while it computes. The work must not look at values, with which it would wait for a GPU, too, nor keep what it
    computes.

    Examples:
        Two layers keep a vector of 1,000 values each for the backward pass. The gradients have as many as the layers.

        >>> layers = nn.Sequential(nn.Linear(10, 1000), nn.Tanh(), nn.Linear(1000, 1))
        >>> count_bytes(layers, lambda layers, x: layers(x), torch.zeros(1, 10))
        8000
        >>> count_bytes(layers, lambda layers, x: layers(x).sum().backward(), torch.zeros(1, 10)) > 4 * 12_000
        True
    """
    with FakeTensorMode(allow_non_fake_inputs=True):
        own = [*module.parameters(), *module.buffers()]
        own += [value for part in module.modules() for value in vars(part).values() if isinstance(value, torch.Tensor)]
        shapes = {id(value): _shape_of(value) for value in own}
        arguments = [_shape_of(tensor) for tensor in tensors]
        there = [shape.untyped_storage() for shape in (*shapes.values(), *arguments)]
        stand_in = copy.deepcopy(module, shapes)
        with _Peak(there) as counted:
            work(stand_in, *arguments)
        peak: int = counted.peak
    return peak


def _shape_of(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor without values, on the CPU: there every operation can stand in for that of another device."""
    shape = torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype)
    return nn.Parameter(shape, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else shape


class _Peak(TorchDispatchMode):
    """Adds up the storages that operations return for as long as they are in use; `peak` is the largest sum.

    Those of `there`, of which operations may return views, do not count.
    """

    def __init__(self, there: list[torch.UntypedStorage]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._now = 0
        self._alive = {storage._cdata for storage in there}

    def __torch_dispatch__(
        self, function: Callable[..., Any], types: Any, arguments: tuple[Any, ...] = (), options: Any = None
    ) -> Any:
        result = function(*arguments, **(options or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        if (key := storage._cdata) not in self._alive:
            self._alive.add(key)
            self._now += (size := storage.nbytes())
            self.peak = max(self.peak, self._now)
            weakref.finalize(storage, self._remove, key, size)

    def _remove(self, key: int, size: int) -> None:
        self._alive.remove(key)
        self._now -= size
