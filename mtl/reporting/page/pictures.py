"""Images as text that a page can hold."""

import base64
import io

import numpy as np
from PIL import Image


def data_uri(pixels: np.ndarray | None, side: int) -> str:
    """An image (H, W, 3) of uint8 as a PNG of at most `side` pixels, as a `data:` URI; empty without an image."""
    if pixels is None:
        return ""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
