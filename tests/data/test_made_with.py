"""Prepared images say what they were made with."""

import json

from mtl.data.made_with import add_made_with
from mtl.runtime.files import sha256
from mtl.specs.preparing import PrepareSpec


def test_the_summary_says_from_which_seed_and_split_images_were_made(tmp_path):
    (tmp_path / "split.csv").write_text("image,class,split\n")
    (tmp_path / "summary.json").write_text('{"images": 3}')
    (tmp_path / "images.npy").write_bytes(b"pixels")
    spec = PrepareSpec(dataset="glyphs", seed=4, size=32)
    add_made_with(tmp_path / "summary.json", spec, tmp_path / "split.csv", tmp_path / "images.npy")
    assert json.loads((tmp_path / "summary.json").read_text()) == {
        "images": 3,
        "spec": {"dataset": "glyphs", "seed": 4, "size": 32},
        "split": sha256(tmp_path / "split.csv"),
        "images_sha256": sha256(tmp_path / "images.npy"),
    }
