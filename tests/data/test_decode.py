"""Image files that Pillow would quietly turn black."""

import io

import numpy as np
import pytest
from PIL import Image

from mtl.data.decode import decoded
from mtl.runtime.errors import UserError


def saved(image, form="PNG", **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def pixels(content, size=4):
    ((_, image, _),) = decoded([("x", content)], size, 1)
    return image


def transparent(mode):
    """Black everywhere, visible only in the left half."""
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 2, 4))
    return image.convert(mode)


@pytest.mark.parametrize(("mode", "form"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP")])
def test_transparency_lies_on_white(mode, form):
    options = {"lossless": True, "exact": True} if form == "WEBP" else {}
    shown = pixels(saved(transparent(mode), form, **options))
    assert (shown[:, :2] == 0).all()
    assert (shown[:, 2:] == 255).all()


def test_a_transparent_colour_of_a_palette_lies_on_white():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.paste(1, (0, 0, 2, 4))
    shown = pixels(saved(image, transparency=0))
    assert (shown[:, :2] == [10, 20, 30]).all()
    assert (shown[:, 2:] == 255).all()


def png16(values):
    """A PNG of 16 bits per channel, which Pillow reads but does not write."""
    import struct
    import zlib

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("value", [200, 60_000])
def test_sixteen_bits_are_refused_by_name(value):
    with pytest.raises(UserError, match="image x: has more than 8 bits per channel; convert it"):
        pixels(png16(np.full((4, 4, 3), value)))


def test_grey_and_palette_images_become_rgb():
    assert (pixels(saved(Image.new("L", (4, 4), 7))) == 7).all()
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    assert (pixels(saved(image)) == [10, 20, 30]).all()
