"""Damaged or malicious archives and images: one-line errors, no traces left, no code run."""

import io
import re
import tarfile

import numpy as np
import pytest
from PIL import Image

from tests.helpers.archives import jpeg, noise_image, plain_image, write_tar
from tests.helpers.datasets import NAMES, refused


def link(name, target):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


@pytest.mark.parametrize(
    "entry", [tarfile.TarInfo("../../evil.jpg"), link("../x", "y"), link("n0100000001.jpg", "../../../etc/passwd")]
)
def test_a_tar_that_leads_out_of_itself_is_refused(stage, tmp_path, entry):
    (tmp_path / "data").mkdir()
    write_tar(tmp_path / "data/mini.tar", {"x": entry})
    assert f" {tmp_path}/data/mini.tar: refused: " in refused(stage, tmp_path, "images", "mini.tar")


def deep_png():
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4), 40000, np.uint16)).save(file, "PNG")
    return file.getvalue()


def png(width, height):
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({NAMES[0]: b"\xff\xd8\xff nothing"}, f"image {NAMES[0]}: not a file of JPEG"),
        ({NAMES[0]: jpeg(plain_image(3, 64))[:300]}, f"image {NAMES[0]}: damaged"),
        ({NAMES[0]: png(9000, 9000)}, f"image {NAMES[0]}: 9000 x 9000 pixels; at most"),
        ({NAMES[0]: png(20000, 10000)}, f"image {NAMES[0]}: damaged .* exceeds limit"),
        ({NAMES[0]: deep_png()}, "has more than 8 bits per channel"),
    ],
)
def test_damaged_images_are_one_line(stage, tmp_path, files, message):
    (tmp_path / "data").mkdir()
    others = {name: jpeg(noise_image(16)) for name in NAMES}
    write_tar(tmp_path / "data/mini.tar", {**others, **files})
    assert re.search(message, refused(stage, tmp_path, "images", "mini.tar"))


def test_missing_images_are_one_line(stage, tmp_path):
    (tmp_path / "data").mkdir()
    write_tar(tmp_path / "data/mini.tar", {NAMES[0]: jpeg(plain_image(3, 16))})
    said = refused(stage, tmp_path, "images", "mini.tar")
    assert f"mini.tar: 5 of 6 images missing, the first is {NAMES[1]!r} of class 'n01'; expected mini.tar" in said


MODES = {"mini.tar": "w", "mini.tar.xz": "w:xz", "mini.tar.gz": "w:gz"}


@pytest.mark.parametrize("keep", [0.0, 0.2, 0.4, 0.6])
@pytest.mark.parametrize("name", MODES)
def test_a_damaged_archive_is_one_line(stage, tmp_path, name, keep):
    (tmp_path / "data").mkdir()
    path = write_tar(tmp_path / "data" / name, {name: jpeg(noise_image(32)) for name in NAMES}, MODES[name])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    # A plain tar cut between two files looks whole; only the missing images reveal it.
    assert re.search(f"{name}: damaged archive|of 6 images missing", refused(stage, tmp_path, "images", name))


@pytest.mark.parametrize("name", ["mini.tar.xz", "mini.tar.gz"])
@pytest.mark.parametrize("where", [0.3, 0.6, 0.9])
def test_a_flipped_bit_is_one_line(stage, tmp_path, name, where):
    (tmp_path / "data").mkdir()
    path = write_tar(tmp_path / "data" / name, {name: jpeg(noise_image(32)) for name in NAMES}, MODES[name])
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 16
    path.write_bytes(content)
    assert re.search("damaged|not a file of|missing", refused(stage, tmp_path, "images", name))


def test_an_image_that_is_there_twice_is_one_line(stage, tmp_path):
    (tmp_path / "data").mkdir()
    images = {name: jpeg(plain_image(1, 16)) for name in NAMES}
    write_tar(tmp_path / "data/mini.tar", {**images, f"again/{NAMES[3]}": images[NAMES[3]]})
    assert f"image {NAMES[3]!r} is there twice" in refused(stage, tmp_path, "images", "mini.tar")
