"""Image files to square arrays, on several cores."""

import io
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from PIL import Image, UnidentifiedImageError

from mtl.runtime.errors import UserError

FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
PIXELS = 64 * 2**20
WAITING = 64  # images per thread that are read ahead

Decoded = tuple[str, np.ndarray, str]


def decoded(images: Iterable[tuple[str, bytes | np.ndarray]], size: int, threads: int) -> Iterator[Decoded]:
    """Decodes and scales images, in their order: name, (size, size, 3) uint8, and the size it had as `WxH`.

    Raises:
        UserError: an image is damaged, of another format, or too large.
    """
    # Pillow leaves Python's lock while it decodes and scales, so threads are enough.
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Decoded]] = deque()
        try:
            for name, image in images:
                waiting.append(pool.submit(_decode, name, image, size))
                if len(waiting) >= WAITING * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
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
            return image.convert("RGB")
    except UnidentifiedImageError:
        raise UserError(f"image {name}: not a file of {', '.join(FORMATS)}") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"image {name}: damaged ({error})") from None
