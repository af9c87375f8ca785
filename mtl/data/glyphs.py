"""The embedded dataset `glyphs`: letters of five scripts, rendered from the DejaVu faces that matplotlib ships.

The faces are part of the locked environment, the outlines are used unhinted and rasterised by matplotlib's Agg, and
every random number comes from a seeded generator, so the images are the same on every run.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.path import Path as Outline
from matplotlib.transforms import Affine2D

from mtl.data.origin import Origin
from mtl.data.split import Row
from mtl.runtime.errors import UserError
from mtl.specs.preparing import PrepareSpec

FACES = tuple(
    f"DejaVu{family}{style}"
    for family, styles in {
        "Sans": ("", "-Bold", "-Oblique", "-BoldOblique"),
        "SansMono": ("", "-Bold", "-Oblique", "-BoldOblique"),
        "Serif": ("", "-Bold", "-Italic", "-BoldItalic"),
    }.items()
    for style in styles
)


@cache
def _font(face: str) -> FT2Font:
    return FT2Font(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"))


@cache
def outline(face: str, code_point: int) -> Outline:
    """The unhinted outline of a letter, in font units, moved so that its bounding box is centred on the origin.

    Raises:
        KeyError: the face has no such letter.
    """
    font = _font(face)
    if code_point not in font.get_charmap():
        raise KeyError(f"{face} has no U+{code_point:04X}")
    font.load_char(code_point, LoadFlags.NO_SCALE | LoadFlags.NO_HINTING)
    vertices, codes = font.get_path()
    path = Outline(np.asarray(vertices, dtype=np.float64), codes)
    box = path.get_extents()
    centre = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
    return Outline(np.asarray(path.vertices) - centre, path.codes)


class Renderer:
    """Draws letters as square RGB images of `size` pixels."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._agg = RendererAgg(size, size, 72)

    def coverage(self, path: Outline, to_pixels: Affine2D, stroke: float, fill: bool) -> np.ndarray:
        """How much of each pixel a path covers, (size, size) in [0, 1].

        Args:
            path: the outline.
            to_pixels: maps its units to pixels.
            stroke: width of the pen that follows the outline, in pixels; 0 draws none.
            fill: whether the inside is painted.
        """
        self._agg.clear()
        context = self._agg.new_gc()
        context.set_antialiased(True)
        context.set_snap(False)
        context.set_linewidth(stroke)
        context.set_foreground((1.0, 1.0, 1.0))
        self._agg.draw_path(context, path, to_pixels, (1.0, 1.0, 1.0) if fill else None)
        context.restore()
        return np.asarray(self._agg.buffer_rgba())[..., 3].astype(np.float64) / 255

    def letter(self, code_point: int, rng: np.random.Generator) -> np.ndarray:
        """One random image of a letter: (size, size, 3) uint8.

        Face, colours, affine distortion, stroke, clutter and noise are drawn from `rng`.
        """
        ink, paper = _two_colours(rng)
        image = self._background(paper, rng)
        for _ in range(int(rng.integers(1, 4))):
            image = _paint(image, self._clutter(rng), _near(paper, rng), 0.8)
        path = outline(FACES[int(rng.integers(len(FACES)))], code_point)
        image = _paint(image, self._distorted(path, rng), ink, 1.0)
        for _ in range(int(rng.integers(0, 3))):
            image = _paint(image, self._clutter(rng), _near(ink, rng), 0.7)
        noise = rng.normal(0.0, rng.uniform(0.02, 0.10), size=image.shape)
        return np.rint(np.clip(image + noise, 0.0, 1.0) * 255).astype(np.uint8)

    def _distorted(self, path: Outline, rng: np.random.Generator) -> np.ndarray:
        extent = float(np.ptp(np.asarray(path.vertices), axis=0).max())
        height = self.size * rng.uniform(0.45, 0.85)
        stretch = math.exp(rng.uniform(-0.3, 0.3))
        moved = self.size * (0.5 + rng.uniform(-0.12, 0.12, size=2))
        transform = (
            Affine2D()
            .scale(height / extent * stretch, height / extent / stretch)
            .skew(rng.uniform(-0.35, 0.35), 0.0)
            .rotate(rng.uniform(-0.4, 0.4))
            .translate(*moved)
        )
        hollow = rng.random() < 0.25
        pen = self.size * (rng.uniform(0.03, 0.06) if hollow else rng.uniform(0.0, 0.05))
        return self.coverage(path, transform, pen, not hollow)

    def _clutter(self, rng: np.random.Generator) -> np.ndarray:
        points = rng.uniform(-0.1, 1.1, size=(3, 2)) * self.size
        curve = Outline(points, [Outline.MOVETO, Outline.CURVE3, Outline.CURVE3])
        return self.coverage(curve, Affine2D(), self.size * rng.uniform(0.02, 0.07), False)

    def _background(self, paper: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        angle = rng.uniform(0.0, 2 * math.pi)
        ramp = np.linspace(-1.0, 1.0, self.size)
        slope = math.cos(angle) * ramp[None, :] + math.sin(angle) * ramp[:, None]
        return np.asarray(paper + rng.uniform(0.0, 0.2) * slope[..., None])


def _two_colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two colours whose brightness differs enough for the letter to be legible."""
    while True:
        ink, paper = rng.uniform(0.0, 1.0, size=(2, 3))
        if abs(float(ink.mean() - paper.mean())) > 0.25:
            return ink, paper


def _near(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(np.clip(colour + rng.uniform(-0.3, 0.3, size=3), 0.0, 1.0))


def _paint(image: np.ndarray, coverage: np.ndarray, colour: np.ndarray, opacity: float) -> np.ndarray:
    alpha = (opacity * coverage)[..., None]
    return np.asarray(image * (1 - alpha) + colour * alpha)


def render(code_point: int, image: int, seed: int, renderer: Renderer) -> np.ndarray:
    """Image number `image` of a letter: (size, size, 3) uint8, the same whatever is rendered before or after it."""
    return renderer.letter(code_point, np.random.default_rng([seed, code_point, image]))


def rendered(spec: PrepareSpec, rows: Sequence[Row]) -> Origin:
    """The images of a split, rendered one by one.

    Raises:
        UserError: the spec has no seed.
    """
    if spec.seed is None:
        raise UserError("--spec.seed: rendered images need a seed")
    return Origin("the rendering", None, "matplotlib", _images(rows, spec.seed, Renderer(spec.size)))


def _images(rows: Sequence[Row], seed: int, renderer: Renderer) -> Iterator[tuple[int, np.ndarray, str]]:
    for index, row in enumerate(rows):
        name, _, number = row.image.partition("/")
        image = render(int(name.removeprefix("U+"), 16), int(number), seed, renderer)
        yield index, image, f"{renderer.size}x{renderer.size}"
