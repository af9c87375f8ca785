"""Decodes image files to square arrays, on several cores."""

import io
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mtl.runtime.errors import UserError

FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
PIXELS = 64 * 2**20
WAITING = 64  # images read ahead per thread
WAITING_BYTES = 2**28  # and never more bytes than this

Decoded = tuple[str, np.ndarray, str]


def decoded(images: Iterable[tuple[str, bytes | np.ndarray]], size: int, threads: int) -> Iterator[Decoded]:
    """Decodes and scales images, in order: name, (size, size, 3) uint8, and the original size as `WxH`.

    Raises:
        UserError: an image is damaged, of another format, or too large.
    """
    # Pillow releases the GIL while it decodes and scales, so threads are enough.
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[Future[Decoded], int]] = deque()
        ahead = 0
        try:
            for name, image in images:
                length = len(image) if isinstance(image, bytes) else image.nbytes
                waiting.append((pool.submit(_decode, name, image, size), length))
                ahead += length
                while len(waiting) > WAITING * threads or ahead > WAITING_BYTES:
                    future, length = waiting.popleft()
                    ahead -= length
                    yield future.result()
            for future, _ in waiting:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _decode(name: str, content: bytes | np.ndarray, size: int) -> Decoded:
    image = Image.fromarray(content) if isinstance(content, np.ndarray) else _opened(name, content)
    width, height = image.size
    if (width, height) != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return name, np.asarray(image), f"{width}x{height}"


def _opened(name: str, content: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > PIXELS:
                raise UserError(f"image {name}: {image.width} x {image.height} pixels; at most {PIXELS} are taken")
            if image.mode.startswith(("I", "F")) or _is_deep(image):
                raise UserError(f"image {name}: has more than 8 bits per channel; convert it")
            # Checking for a rotation takes longer than decoding a small image.
            return _on_white(ImageOps.exif_transpose(image) if "exif" in image.info else image)
    except UserError:
        raise
    except UnidentifiedImageError:
        raise UserError(f"image {name}: not a file of {', '.join(FORMATS)}") from None
    except Exception as error:  # decoders can raise anything
        raise UserError(f"image {name}: damaged ({error})") from None


def _is_deep(image: Image.Image) -> bool:
    """Whether Pillow would cut 16 bits per channel down to the upper 8, which makes dark images black."""
    return any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))


def _on_white(image: Image.Image) -> Image.Image:
    """As RGB, with white where the image is transparent; whatever colour lies below is not meant to be seen."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
