import hashlib
import json

import numpy as np
from PIL import Image

from mtl.data.glyphs import Renderer, render, rendered
from mtl.data.prepare import PreparePaths, prepare
from mtl.specs.preparing import PrepareSpec


def test_images_lie_in_the_order_of_the_split(tiny):
    pixels = np.load(tiny / "images.npy")
    lines = (tiny / "split.csv").read_text().splitlines()[1:]
    assert pixels.shape == (len(lines), 16, 16, 3)
    for row in (0, 100, len(lines) - 1):
        name, number = lines[row].split(",")[0].split("/")
        assert np.array_equal(pixels[row], render(int(name[2:], 16), int(number), 0, Renderer(16)))


def test_summary_counts_and_has_the_digest(tiny):
    summary = json.loads((tiny / "summary.json").read_text())
    assert summary["classes"] == {"train": 10, "val": 5, "test": 5}
    assert summary["images"] == 480
    assert summary["sha256"] == hashlib.sha256(np.load(tiny / "images.npy").tobytes()).hexdigest()


def test_pixels_that_differ_from_the_reference_are_said_in_one_line(tiny, tmp_path, capfd):
    names = [tmp_path / name for name in ("images.npy", "samples.png", "summary.json")]
    spec = PrepareSpec(dataset="glyphs", seed=0, size=16)
    prepare(spec, PreparePaths(tiny / "split.csv", *names), lambda rows: rendered(spec, rows), reference="0" * 64)
    assert "note: the pixels of glyphs differ" in capfd.readouterr().err.splitlines()[-1]
    assert json.loads(names[2].read_text())["reference"] is False


def test_samples_show_the_first_images_of_all_classes(tiny):
    picture = np.asarray(Image.open(tiny / "samples.png"))
    assert picture.shape == (5 * 17 + 1, 20 * 17 + 1, 3)
    assert np.array_equal(picture[1:17, 1:17], np.load(tiny / "images.npy")[0])
