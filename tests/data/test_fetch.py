"""Downloads from a real server that misbehaves, and archives and pickles that mean harm: one line each, no traces."""

import dataclasses
import hashlib
import io
import json
import pickle
import re
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from mtl.cli import main
from mtl.data.source import read_source
from mtl.spec import ArchiveFile, PrepareSpec, SourceSpec
from tests.data.archives import Bomb, jpeg, noise_image, plain_image, tar_bytes, write_tar

NAMES = [f"{name}0000000{rank}.jpg" for name in ("n01", "n02", "n03") for rank in (1, 2)]
ARCHIVE = tar_bytes({name: jpeg(plain_image(10 * index, 16)) for index, name in enumerate(NAMES)})
SPLIT_OF = {"n01": "train", "n02": "val", "n03": "test"}
CLASSES = "split,class,image\n" + "".join(f"{SPLIT_OF[name[:3]]},{name[:3]},{name}\n" for name in NAMES)
SIZE = len(ARCHIVE)
PAGE = b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head></html>"


class Handler(BaseHTTPRequestHandler):
    """The path says what goes wrong; every request is noted."""

    requests: list[str]

    def do_GET(self):
        self.requests.append(self.path)
        first = self.requests.count(self.path) == 1
        if "missing" in self.path:
            self.send_error(404)
            return
        content = PAGE if "page" in self.path else b"another archive" if "other" in self.path else ARCHIVE
        if "endless" in self.path:
            content = ARCHIVE * 200
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        cut = "always-cut" in self.path or ("cut" in self.path and first)
        self.wfile.write(content[: len(content) // 2] if cut else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    handler = type("Handler", (Handler,), {"requests": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.requests = handler.requests
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pooch waits longer after each failure; the test need not."""
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)


@pytest.fixture
def stage(tmp_path, monkeypatch, capfd):
    """Runs `mtl <stage>` in a folder of its own; returns the exit code and the lines on stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "classes.csv").write_text(CLASSES)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["mtl", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code or 0, capfd.readouterr().err.splitlines()

    return run


def mirrors(server, *paths, size=SIZE):
    address = f"http://127.0.0.1:{server.server_address[1]}"
    digest = f"sha256:{hashlib.sha256(ARCHIVE).hexdigest()}"
    return SourceSpec("images", [ArchiveFile("mini.tar", digest, size, [f"{address}/{path}" for path in paths])])


def fetch(stage, source, folder=""):
    files = [{key: value for key, value in vars(file).items() if value} for file in source.files]
    Path("datasets.yaml").write_text(yaml.safe_dump({"mini": {"sources": [{"layout": source.layout, "files": files}]}}))
    return stage(
        "fetch", "--datasets", "datasets.yaml", "--dataset", "mini", "--classes", "classes.csv", "--folder", folder,
        "--archives", "resources/archives", "--output", "resources/source.json",
    )  # fmt: skip


def prepare(stage):
    spec = json.dumps(dataclasses.asdict(PrepareSpec("mini", None, 16)))
    inputs = ("--source", "resources/source.json", "--split", "split.csv")
    outputs = [f"--{name}=resources/16px/{file}" for name, file in (
        ("images", "images.npy"), ("samples", "samples.png"), ("summary", "summary.json"),
    )]  # fmt: skip
    split = stage(
        "split", "--classes", "classes.csv", "--images-per-class", 2, inputs[0], inputs[1], "--output", "split.csv"
    )
    assert split[0] == 0, split
    return stage("prepare", "--spec", spec, *inputs, *outputs)


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in (folder / "resources").rglob("*") if path.is_file())


def test_a_download_is_verified_and_prepared(stage, server, tmp_path):
    assert fetch(stage, mirrors(server, "mini.tar"))[0] == 0
    source = read_source(tmp_path / "resources/source.json")
    assert source.files == {"mini.tar": hashlib.sha256(ARCHIVE).hexdigest()}
    assert prepare(stage)[0] == 0
    assert np.load(tmp_path / "resources/16px/images.npy")[:, 0, 0, 0].tolist() == [0, 10, 20, 30, 40, 50]
    # What is there already is not downloaded again.
    assert fetch(stage, mirrors(server, "mini.tar"))[0] == 0
    assert server.requests == ["/mini.tar"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["other"], "another file: its sha256 is "),
        (["page"], "a web page instead of an archive"),
        (["missing"], "404 Client Error: Not Found"),
        (["always-cut"], "a broken connection"),
        (["missing", "page"], "404 Client Error: Not Found; http://127.0.0.1"),
    ],
)
def test_a_bad_download_is_one_line_and_leaves_nothing(stage, server, tmp_path, paths, message):
    code, lines = fetch(stage, mirrors(server, *paths, size=None))
    assert code == 1
    assert sum(line.startswith("mtl: error: mini: mini.tar: no mirror could be used: ") for line in lines) == 1
    assert message in lines[-1]
    assert "point the setting `data` at it" in lines[-1]
    assert not any("Traceback" in line for line in lines)
    assert left(tmp_path) == []


def test_a_file_of_another_length_is_one_line(stage, server, tmp_path):
    code, lines = fetch(stage, mirrors(server, "other"))
    assert code == 1
    assert f"15 of {len(ARCHIVE)} bytes" in lines[-1]
    code, lines = fetch(stage, mirrors(server, "endless", size=1000))
    assert code == 1
    assert "more than 1000 bytes" in lines[-1]
    assert left(tmp_path) == []


def test_a_cut_connection_is_tried_again(stage, server, tmp_path):
    assert fetch(stage, mirrors(server, "cut"))[0] == 0
    assert server.requests == ["/cut", "/cut"]
    assert (tmp_path / "resources/archives/mini.tar").read_bytes() == ARCHIVE


@pytest.mark.parametrize("bad", ["missing", "page", "other", "always-cut"])
def test_after_a_bad_mirror_comes_the_next(stage, server, tmp_path, bad):
    assert fetch(stage, mirrors(server, bad, "mini.tar"))[0] == 0
    assert server.requests == [f"/{bad}"] * (3 if bad == "always-cut" or bad == "other" else 1) + ["/mini.tar"]
    assert (tmp_path / "resources/archives/mini.tar").read_bytes() == ARCHIVE


def test_a_server_that_is_not_there(stage, tmp_path):
    source = SourceSpec("images", [ArchiveFile("mini.tar", "md5:" + "0" * 32, None, ["http://127.0.0.1:1/mini.tar"])])
    code, lines = fetch(stage, source)
    assert (code, left(tmp_path)) == (1, [])
    assert "http://127.0.0.1:1/mini.tar gave no answer, or a broken connection" in lines[-1]


def test_a_folder_of_ones_own(stage, tmp_path):
    folder = tmp_path / "data"
    digest = hashlib.md5(ARCHIVE, usedforsecurity=False).hexdigest()
    by_hand = SourceSpec("images", [ArchiveFile("mini.tar", f"md5:{digest}", None, [])])
    assert "there is no folder" in fetch(stage, by_hand, folder)[1][-1]
    folder.mkdir()
    code, lines = fetch(stage, by_hand, folder)
    assert code == 1
    assert lines[-1].endswith("holds no mini; expected mini.tar")
    (folder / "mini.tar").write_bytes(ARCHIVE[:-1])
    assert "its md5 is" in fetch(stage, by_hand, folder)[1][-1]
    assert left(tmp_path) == []
    (folder / "mini").mkdir()
    (folder / "mini/mini.tar").write_bytes(ARCHIVE)
    assert fetch(stage, by_hand, folder)[0] == 0
    assert prepare(stage)[0] == 0
    assert "cannot be downloaded; get mini.tar" in fetch(stage, by_hand)[1][-1]


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
    assert refused(stage, tmp_path, "images", "mini.tar").startswith(f"mtl: error: {tmp_path}/data/mini.tar: refused: ")


@pytest.mark.parametrize("mode", ["plain", "in a list", "numpy object"])
def test_a_pickle_that_would_run_code_is_refused(stage, tmp_path, mode):
    (tmp_path / "data").mkdir()
    bomb = Bomb(tmp_path / "exploded")
    content = {"image_data": bomb, "class_dict": {}}
    if mode == "in a list":
        content = {"image_data": [np.zeros(3), [bomb]], "class_dict": {}}
    elif mode == "numpy object":
        content = {"image_data": np.array([bomb], dtype=object), "class_dict": {}}
    (tmp_path / "data/mini.pkl").write_bytes(pickle.dumps(content))
    line = refused(stage, tmp_path, "pickles", "mini.pkl")
    assert re.search("refused or damaged pickle: it (would call|holds an array of type .O8)", line)
    assert not (tmp_path / "exploded").exists()


class Forged:
    """NumPy takes these bytes for pointers to objects."""

    def __reduce__(self):
        return (np.ndarray, ((1,), np.dtype("O"), b"\x41" * 8))


class Endless:
    """Ten gigabytes made of one byte, by a stride of zero."""

    def __reduce__(self):
        return (np.ndarray, ((2, 60000, 60000, 3), np.dtype("u1"), b"x", 0, (0, 0, 0, 0)))


@pytest.mark.parametrize(
    "content",
    [
        {"image_data": np.zeros((2, 4, 4, 3), np.uint8), "class_dict": {"n01": Forged()}},
        {"image_data": Endless(), "class_dict": {"n01": [0, 1]}},
        {"image_data": np.array([None, [1]], dtype=object), "class_dict": {}},
    ],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_a_pickle_does_not_reach_numpys_constructors(stage, tmp_path, content, protocol):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mini.pkl").write_bytes(pickle.dumps(content, protocol))
    assert "mini.pkl: refused or damaged pickle: " in refused(stage, tmp_path, "pickles", "mini.pkl")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged"),
        (b"not a pickle", "refused or damaged pickle"),
        (pickle.dumps([1]), "expected a pickled dictionary"),
        (pickle.dumps({"image_data": np.zeros((2, 4, 4, 3))}), "'image_data' is not an array of uint8"),
        (pickle.dumps({"image_data": np.zeros((2, 4, 4, 3), np.uint8)}), "'class_dict' is missing"),
        (
            pickle.dumps({"image_data": np.zeros((2, 4, 4, 3), np.uint8), "class_dict": {"n01": [0, 1, 1]}}),
            "class n01 has not 2 images",
        ),
        (
            pickle.dumps({"image_data": np.zeros((2, 4, 4, 3), np.uint8), "class_dict": {"n01": [0, -1]}}),
            "class n01: there is no image -1",
        ),
        (
            pickle.dumps({"image_data": np.zeros((2, 4, 4, 3), np.uint8), "class_dict": {"n01": ["a", "b"]}}),
            "class n01 has not 2 images",
        ),
    ],
)
def test_a_damaged_pickle_is_one_line(stage, tmp_path, content, message):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mini.pkl").write_bytes(content)
    assert message in refused(stage, tmp_path, "pickles", "mini.pkl")


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
        ({NAMES[0]: jpeg(plain_image(3, 16))}, f"5 of 6 images are not there; the first is {NAMES[1]} of class n01"),
        ({NAMES[0]: deep_png()}, "has more than 8 bits per channel"),
        ({NAMES[0]: jpeg(plain_image(3, 16)), f"a/{NAMES[0]}": b""}, "damaged|not a file of"),
    ],
)
def test_damaged_or_missing_images_are_one_line(stage, tmp_path, files, message):
    (tmp_path / "data").mkdir()
    write_tar(tmp_path / "data/mini.tar", files)
    assert re.search(message, refused(stage, tmp_path, "images", "mini.tar"))


MODES = {"mini.tar": "w", "mini.tar.xz": "w:xz", "mini.tar.gz": "w:gz"}


@pytest.mark.parametrize("keep", [0.0, 0.2, 0.4, 0.6])
@pytest.mark.parametrize("name", MODES)
def test_a_damaged_archive_is_one_line(stage, tmp_path, name, keep):
    (tmp_path / "data").mkdir()
    path = write_tar(tmp_path / "data" / name, {name: jpeg(noise_image(32)) for name in NAMES}, MODES[name])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    # A plain tar that ends between two files looks whole; then it is what is missing that tells.
    assert re.search(f"{name}: damaged archive|of 6 images are not there", refused(stage, tmp_path, "images", name))


@pytest.mark.parametrize("name", ["mini.tar.xz", "mini.tar.gz"])
@pytest.mark.parametrize("where", [0.3, 0.6, 0.9])
def test_a_flipped_bit_is_one_line(stage, tmp_path, name, where):
    (tmp_path / "data").mkdir()
    path = write_tar(tmp_path / "data" / name, {name: jpeg(noise_image(32)) for name in NAMES}, MODES[name])
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 16
    path.write_bytes(content)
    assert re.search("damaged|not a file of|not there", refused(stage, tmp_path, "images", name))


def test_an_archive_that_changes_after_it_was_verified_is_refused(stage, tmp_path):
    (tmp_path / "data").mkdir()
    path = tmp_path / "data/mini.tar"
    path.write_bytes(ARCHIVE)
    source = SourceSpec("images", [ArchiveFile("mini.tar", None, None, [])])
    for change in (lambda: path.write_bytes(ARCHIVE + b"\0"), path.unlink):
        path.write_bytes(ARCHIVE)
        assert fetch(stage, source, tmp_path / "data")[0] == 0
        change()
        code, lines = prepare(stage)
        assert code == 1
        assert "mini.tar: has changed since it was verified; to look again, delete source.json" in lines[-1]


def test_what_is_missing_of_a_source_is_named(stage, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train.tar").write_bytes(ARCHIVE)
    source = SourceSpec("images", [ArchiveFile(f"{name}.tar", None, None, []) for name in ("train", "val", "test")])
    assert "holds train.tar, but not val.tar and test.tar" in fetch(stage, source, tmp_path / "data")[1][-1]


def test_an_image_that_is_there_twice_is_one_line(stage, tmp_path):
    (tmp_path / "data").mkdir()
    images = {name: jpeg(plain_image(1, 16)) for name in NAMES}
    write_tar(tmp_path / "data/mini.tar", {**images, f"again/{NAMES[3]}": images[NAMES[3]]})
    assert f"image {NAMES[3]} is there twice" in refused(stage, tmp_path, "images", "mini.tar")


def refused(stage, folder, layout, name):
    """Fetches and prepares an archive that must be refused; returns the one line."""
    assert fetch(stage, SourceSpec(layout, [ArchiveFile(name, None, None, [])]), folder / "data")[0] == 0
    code, lines = prepare(stage)
    assert code == 1
    assert lines[-1].startswith("mtl: error: ")
    assert not any("Traceback" in line for line in lines)
    assert left(folder) == ["resources/source.json"]
    return lines[-1]
