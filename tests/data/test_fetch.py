"""Downloads from a real server that misbehaves, and from users' own folders: one-line errors, no traces left."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from mtl.data.source import read_source
from tests.helpers.datasets import ARCHIVE, fetch, left, prepare, source

SIZE = len(ARCHIVE)
PAGE = b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head></html>"


class Handler(BaseHTTPRequestHandler):
    """The path says what goes wrong; every request is recorded."""

    protocol_version = "HTTP/1.1"
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
        if "chunked" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, SIZE, 100):
                part = content[start : start + 100]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        cut = "always-cut" in self.path or ("cut" in self.path and first)
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = True

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


def mirrors(server, *paths, size=SIZE):
    address = f"http://127.0.0.1:{server.server_address[1]}"
    digest = f"sha256:{hashlib.sha256(ARCHIVE).hexdigest()}"
    return source("images", "mini.tar", checksum=digest, size=size, urls=[f"{address}/{path}" for path in paths])


def test_a_download_is_verified_and_prepared(stage, server, tmp_path):
    assert fetch(stage, mirrors(server, "mini.tar"))[0] == 0
    found = read_source(tmp_path / "resources/source.json")
    assert found.files == {"mini.tar": hashlib.sha256(ARCHIVE).hexdigest()}
    assert prepare(stage)[0] == 0
    assert np.load(tmp_path / "resources/16px/images.npy")[:, 0, 0, 0].tolist() == [0, 10, 20, 30, 40, 50]
    # Files that are there already are not downloaded again.
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


def test_a_server_may_send_chunks_of_any_length(stage, server, tmp_path, monkeypatch):
    monkeypatch.setattr("mtl.data.download.CHUNK", 200)
    assert fetch(stage, mirrors(server, "chunked"))[0] == 0
    assert (tmp_path / "resources/archives/mini.tar").read_bytes() == ARCHIVE


@pytest.mark.parametrize("bad", ["missing", "page", "other", "always-cut"])
def test_after_a_bad_mirror_comes_the_next(stage, server, tmp_path, bad):
    assert fetch(stage, mirrors(server, bad, "mini.tar"))[0] == 0
    assert server.requests == [f"/{bad}"] * (3 if bad == "always-cut" or bad == "other" else 1) + ["/mini.tar"]
    assert (tmp_path / "resources/archives/mini.tar").read_bytes() == ARCHIVE


def test_a_server_that_is_not_there(stage, tmp_path):
    nowhere = source("images", "mini.tar", checksum="md5:" + "0" * 32, urls=["http://127.0.0.1:1/mini.tar"])
    code, lines = fetch(stage, nowhere)
    assert (code, left(tmp_path)) == (1, [])
    assert "http://127.0.0.1:1/mini.tar gave no answer, or a broken connection" in lines[-1]


def test_a_folder_of_ones_own(stage, tmp_path):
    folder = tmp_path / "data"
    digest = hashlib.md5(ARCHIVE, usedforsecurity=False).hexdigest()
    by_hand = source("images", "mini.tar", checksum=f"md5:{digest}")
    assert "there is no folder" in fetch(stage, by_hand, folder)[1][-1]
    folder.mkdir()
    code, lines = fetch(stage, by_hand, folder)
    assert code == 1
    assert lines[-1].endswith("holds no mini: it holds no files; expected mini.tar")
    (folder / "mini.tar").write_bytes(ARCHIVE[:-1])
    assert "its md5 is" in fetch(stage, by_hand, folder)[1][-1]
    assert left(tmp_path) == []
    (folder / "mini").mkdir()
    (folder / "mini/mini.tar").write_bytes(ARCHIVE)
    assert fetch(stage, by_hand, folder)[0] == 0
    assert prepare(stage)[0] == 0
    assert "cannot be downloaded; get mini.tar" in fetch(stage, by_hand)[1][-1]


def test_an_archive_that_changes_after_it_was_verified_is_refused(stage, tmp_path):
    (tmp_path / "data").mkdir()
    path = tmp_path / "data/mini.tar"
    path.write_bytes(ARCHIVE)
    archive = source("images", "mini.tar")
    changes = {
        "has changed since it was verified; to look again": lambda: path.write_bytes(ARCHIVE + b"\0"),
        "is gone; point `data` at": path.unlink,
    }
    for said, change in changes.items():
        path.write_bytes(ARCHIVE)
        assert fetch(stage, archive, tmp_path / "data")[0] == 0
        change()
        code, lines = prepare(stage)
        assert code == 1
        assert f"mini.tar: {said}" in lines[-1]


def test_what_is_missing_of_a_source_is_named(stage, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train.tar").write_bytes(ARCHIVE)
    three = source("images", "train.tar", "val.tar", "test.tar")
    assert "holds train.tar, but not val.tar and test.tar" in fetch(stage, three, tmp_path / "data")[1][-1]
