"""Batch norm set by set together with leaky ReLU, in few passes over the memory of a GPU.

torch makes twenty passes forward and backward: sets are normalised one after another and joined, and activations are
apart. On a GPU these cost as much as the convolutions, or more. Here are eight, written in Triton, which comes
with torch for GPUs. `BatchNorm` has the same in torch's own operations, for everything else.
"""

import functools
import sys
from typing import Any

import torch
import triton
import triton.language as tl
from torch.autograd.function import once_differentiable

ROWS = 64  # positions that a program takes at a time
PART = 1024  # positions of one image that a program sums up
CHANNELS = 64
PARTS = 128  # of a set that are added up at a time


def set_norm(y: torch.Tensor, sets: tuple[int, ...], slope: float, epsilon: float) -> torch.Tensor:
    """Normalises each set of images by its own mean and variance, then applies leaky ReLU.

    Sums are in float32 and in a fixed order, so the same input gives the same bytes.

    Args:
        y: (B, C, H, W) maps on a GPU, float32 or half precision.
        sets: sizes of the sets that the B images consist of, one after another.
        slope: of the activation for negative values; 1 leaves them as they are.
        epsilon: added to the variance.

    Returns:
        The activated maps (B, C, H, W), channels-last, of the type of `y`; they are differentiable once.
    """
    out: torch.Tensor = _SetNorm.apply(y, sets, slope, epsilon)
    return out


@functools.cache
def usable(device: torch.device) -> bool:
    """Whether the kernels work on a device; prints a note if not.

    Triton needs a C compiler, and a card that it knows.
    """
    try:
        with torch.enable_grad():
            maps = torch.zeros(1, 1, 1, 1, device=device, requires_grad=True)
            set_norm(maps, (1,), 1.0, 1.0).sum().backward()
    except Exception as error:  # whatever Triton, the compiler or the driver raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        sys.stderr.write(f"note: Triton does not work here ({reason}); batch norm of sets takes longer\n")
        return False
    return True


class _SetNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: torch.Tensor, sets: tuple[int, ...], slope: float, epsilon: float) -> torch.Tensor:
        y = y.contiguous(memory_format=torch.channels_last)
        sizes = _Sizes(y, sets)
        mean, inverse = sizes.merged(_merge_moments, sizes.parts(_part_moments, y), EPSILON=epsilon)
        out = torch.empty_like(y)
        sizes.everywhere(_normalise, y, mean, inverse, out, SLOPE=slope)
        ctx.save_for_backward(y, mean, inverse)
        ctx.sets, ctx.slope = sets, slope
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[Any, ...]:
        y, mean, inverse = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        sizes = _Sizes(y, ctx.sets)
        parts = sizes.parts(_part_products, y, gradient, mean, inverse, SLOPE=ctx.slope)
        offset, product = sizes.merged(_merge_means, parts)
        out = torch.empty_like(y)
        sizes.everywhere(_gradient, y, gradient, mean, inverse, offset, product, out, SLOPE=ctx.slope)
        return out, None, None, None


class _Sizes:
    """How a tensor is divided among programs: each takes up to `PART` positions of one image, and some channels."""

    def __init__(self, y: torch.Tensor, sets: tuple[int, ...]) -> None:
        self._images, self._channels, height, width = y.shape
        self._positions = height * width
        self._per_image = triton.cdiv(self._positions, PART)
        self._sets = len(sets)
        self._set_of, self._first = _membership(sets, y.device)
        self._block = min(CHANNELS, triton.next_power_of_2(self._channels))

    def parts(self, kernel: Any, *tensors: torch.Tensor, **constants: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Two sums of each part and channel: (parts, C)."""
        sums = self._two(self._images * self._per_image, tensors[0])
        self.everywhere(kernel, *tensors, *sums, **constants)
        return sums

    def merged(
        self, kernel: Any, parts: tuple[torch.Tensor, torch.Tensor], **constants: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The same of each set: (S, C)."""
        sums = self._two(self._sets, parts[0])
        block = min(16, self._block)
        kernel[self._sets, triton.cdiv(self._channels, block)](
            *parts, *sums, self._first, self._positions, self._channels, self._per_image,
            PARTS=PARTS, PART=PART, BLOCK=block, **constants,
        )  # fmt: skip
        return sums

    def everywhere(self, kernel: Any, *tensors: torch.Tensor, **constants: float) -> None:
        """Runs a kernel once for each part and block of channels."""
        grid = (self._images * self._per_image, triton.cdiv(self._channels, self._block))
        kernel[grid](
            *tensors, self._set_of, self._positions, self._channels, self._per_image,
            ROWS=ROWS, PART=PART, BLOCK=self._block, **constants,
        )  # fmt: skip

    def _two(self, count: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        first, second = torch.empty(2, count, self._channels, dtype=torch.float32, device=like.device)
        return first, second


@functools.lru_cache(maxsize=64)
def _membership(sets: tuple[int, ...], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """The set of each image, (B,), and the first image of each set and where the last one ends, (S + 1,)."""
    sizes = torch.tensor(sets)
    first = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    set_of = torch.arange(len(sets)).repeat_interleave(sizes)
    return set_of.int().to(device), first.int().to(device)


@triton.jit
def _part(positions, channels, per_image, PART: tl.constexpr, BLOCK: tl.constexpr):
    """What this program is for: the part, its channels, its first and last position, where its image begins."""
    part = tl.program_id(0)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    start = (part % per_image) * PART
    stop = tl.minimum(start + PART, positions)
    return part, channel, start, stop, (part // per_image).to(tl.int64) * positions * channels


@triton.jit
def _set(first, positions, per_image, BLOCK: tl.constexpr):
    """What a program that merges is for: the set, its channels, its first and last part, its number of values."""
    one = tl.program_id(0)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    start = tl.load(first + one) * per_image
    stop = tl.load(first + one + 1) * per_image
    return one, channel, start, stop, ((stop - start) // per_image * positions).to(tl.float32)


@triton.jit
def _normalised(y, where, mask, center, factor):
    return (tl.load(y + where, mask, 0).to(tl.float32) - center[None, :]) * factor[None, :]


@triton.jit
def _part_moments(y, means, squares, set_of, positions, channels, per_image,
                  ROWS: tl.constexpr, PART: tl.constexpr, BLOCK: tl.constexpr):  # fmt: skip
    """The mean of a part, and the sum of the squares of what deviates from it."""
    part, channel, start, stop, offset = _part(positions, channels, per_image, PART, BLOCK)
    image = y + offset
    # Differences from any value nearby keep the digits that a sum of large squares would lose.
    nearby = tl.load(image + start * channels + channel, channel < channels, 0).to(tl.float32)
    total = tl.zeros((BLOCK,), tl.float32)
    square = tl.zeros((BLOCK,), tl.float32)
    for begin in range(start, stop, ROWS):
        row = begin + tl.arange(0, ROWS)
        mask = (row < stop)[:, None] & (channel < channels)[None, :]
        value = tl.load(image + row[:, None] * channels + channel[None, :], mask, 0).to(tl.float32)
        value = tl.where(mask, value - nearby[None, :], 0)
        total += tl.sum(value, 0)
        square += tl.sum(value * value, 0)
    count = (stop - start).to(tl.float32)
    tl.store(means + part * channels + channel, nearby + total / count, channel < channels)
    tl.store(squares + part * channels + channel, square - total * total / count, channel < channels)


@triton.jit
def _merge_moments(means, squares, mean, inverse, first, positions, channels, per_image,
                   PARTS: tl.constexpr, PART: tl.constexpr, BLOCK: tl.constexpr, EPSILON: tl.constexpr):  # fmt: skip
    """The mean of a set and the inverse of its deviation, from its parts (Chan et al. 1983, equation 2.1)."""
    one, channel, start, stop, count = _set(first, positions, per_image, BLOCK)
    total = tl.zeros((BLOCK,), tl.float32)
    for begin in range(start, stop, PARTS):
        part = begin + tl.arange(0, PARTS)
        mask = (part < stop)[:, None] & (channel < channels)[None, :]
        size = tl.minimum(PART, positions - (part % per_image) * PART).to(tl.float32)
        value = tl.load(means + part[:, None] * channels + channel[None, :], mask, 0)
        total += tl.sum(value * size[:, None], 0)
    center = total / count
    square = tl.zeros((BLOCK,), tl.float32)
    for begin in range(start, stop, PARTS):
        part = begin + tl.arange(0, PARTS)
        mask = (part < stop)[:, None] & (channel < channels)[None, :]
        size = tl.minimum(PART, positions - (part % per_image) * PART).to(tl.float32)
        where = part[:, None] * channels + channel[None, :]
        apart = tl.where(mask, tl.load(means + where, mask, 0) - center[None, :], 0)
        square += tl.sum(tl.load(squares + where, mask, 0) + apart * apart * size[:, None], 0)
    tl.store(mean + one * channels + channel, center, channel < channels)
    tl.store(inverse + one * channels + channel, tl.rsqrt(square / count + EPSILON), channel < channels)


@triton.jit
def _normalise(y, mean, inverse, out, set_of, positions, channels, per_image,
               ROWS: tl.constexpr, PART: tl.constexpr, BLOCK: tl.constexpr, SLOPE: tl.constexpr):  # fmt: skip
    part, channel, start, stop, offset = _part(positions, channels, per_image, PART, BLOCK)
    statistic = tl.load(set_of + part // per_image) * channels + channel
    center = tl.load(mean + statistic, channel < channels, 0)
    factor = tl.load(inverse + statistic, channel < channels, 0)
    for begin in range(start, stop, ROWS):
        row = begin + tl.arange(0, ROWS)
        mask = (row < stop)[:, None] & (channel < channels)[None, :]
        where = offset + row[:, None] * channels + channel[None, :]
        value = _normalised(y, where, mask, center, factor)
        tl.store(out + where, tl.where(value > 0, value, value * SLOPE).to(out.dtype.element_ty), mask)


@triton.jit
def _part_products(y, gradient, mean, inverse, totals, products, set_of, positions, channels, per_image,
                   ROWS: tl.constexpr, PART: tl.constexpr, BLOCK: tl.constexpr, SLOPE: tl.constexpr):  # fmt: skip
    """Of a part, the sum of the gradients behind the activation, and of their products with the normalised values."""
    part, channel, start, stop, offset = _part(positions, channels, per_image, PART, BLOCK)
    statistic = tl.load(set_of + part // per_image) * channels + channel
    center = tl.load(mean + statistic, channel < channels, 0)
    factor = tl.load(inverse + statistic, channel < channels, 0)
    total = tl.zeros((BLOCK,), tl.float32)
    product = tl.zeros((BLOCK,), tl.float32)
    for begin in range(start, stop, ROWS):
        row = begin + tl.arange(0, ROWS)
        mask = (row < stop)[:, None] & (channel < channels)[None, :]
        where = offset + row[:, None] * channels + channel[None, :]
        value = _normalised(y, where, mask, center, factor)
        slope = tl.load(gradient + where, mask, 0).to(tl.float32)
        slope = tl.where(value > 0, slope, slope * SLOPE)
        total += tl.sum(slope, 0)
        product += tl.sum(slope * value, 0)
    tl.store(totals + part * channels + channel, total, channel < channels)
    tl.store(products + part * channels + channel, product, channel < channels)


@triton.jit
def _merge_means(totals, products, total, product, first, positions, channels, per_image,
                 PARTS: tl.constexpr, PART: tl.constexpr, BLOCK: tl.constexpr):  # fmt: skip
    """The sums over all parts of a set, divided by its number of values."""
    one, channel, start, stop, count = _set(first, positions, per_image, BLOCK)
    a = tl.zeros((BLOCK,), tl.float32)
    b = tl.zeros((BLOCK,), tl.float32)
    for begin in range(start, stop, PARTS):
        part = begin + tl.arange(0, PARTS)
        mask = (part < stop)[:, None] & (channel < channels)[None, :]
        where = part[:, None] * channels + channel[None, :]
        a += tl.sum(tl.load(totals + where, mask, 0), 0)
        b += tl.sum(tl.load(products + where, mask, 0), 0)
    tl.store(total + one * channels + channel, a / count, channel < channels)
    tl.store(product + one * channels + channel, b / count, channel < channels)


@triton.jit
def _gradient(y, gradient, mean, inverse, total, product, out, set_of, positions, channels, per_image,
              ROWS: tl.constexpr, PART: tl.constexpr, BLOCK: tl.constexpr, SLOPE: tl.constexpr):  # fmt: skip
    """The gradient of the maps (Ioffe and Szegedy 2015, section 3, with the mean and variance eliminated)."""
    part, channel, start, stop, offset = _part(positions, channels, per_image, PART, BLOCK)
    statistic = tl.load(set_of + part // per_image) * channels + channel
    center = tl.load(mean + statistic, channel < channels, 0)
    factor = tl.load(inverse + statistic, channel < channels, 0)
    a = tl.load(total + statistic, channel < channels, 0)
    b = tl.load(product + statistic, channel < channels, 0)
    for begin in range(start, stop, ROWS):
        row = begin + tl.arange(0, ROWS)
        mask = (row < stop)[:, None] & (channel < channels)[None, :]
        where = offset + row[:, None] * channels + channel[None, :]
        value = _normalised(y, where, mask, center, factor)
        slope = tl.load(gradient + where, mask, 0).to(tl.float32)
        slope = tl.where(value > 0, slope, slope * SLOPE)
        result = factor[None, :] * (slope - a[None, :] - value * b[None, :])
        tl.store(out + where, result.to(out.dtype.element_ty), mask)
