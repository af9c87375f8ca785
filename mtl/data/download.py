"""Downloads a file from the first mirror that delivers it whole and unaltered."""

from pathlib import Path
from typing import IO

import pooch
import requests

from mtl.runtime.errors import UserError
from mtl.runtime.progress import Progress
from mtl.specs.datasets import ArchiveFile

RETRIES = 2
ASK_AGAIN = (429, 500, 502, 503, 504)  # HTTP: a busy or broken server
LARGEST = 16 * 2**30  # bytes, for a file of unknown size
TIMEOUT = 30  # seconds without a byte
CHUNK = 2**20
REPORT_EVERY = 64  # MB


class RefusedError(Exception):
    """A mirror failed in a way that a retry would not fix."""


def download(file: ArchiveFile, folder: Path) -> None:
    """Puts a file into a folder unless it is already there; never leaves one there that does not match its checksum.

    It retries a broken connection; after that, and after any other failure, it tries the next mirror.

    Raises:
        UserError: no mirror delivered the file; the line says what each of them gave.
    """
    reasons = []
    for url in file.urls:
        mirror = pooch.create(
            path=folder,
            base_url="",
            registry={file.name: file.checksum},
            urls={file.name: url},
            retry_if_failed=RETRIES,
        )
        try:
            mirror.fetch(file.name, downloader=_Downloader(file))
        except (RefusedError, ValueError, OSError) as error:
            reasons.append(f"{url} gave {_short(error)}")
        else:
            return
    raise UserError(
        f"{file.name}: no mirror could be used: {'; '.join(reasons)}. Put the file into a folder and point the setting "
        "`data` at it"
    )


class _Downloader:
    """Pooch's HTTP download, followed by a check of what arrived."""

    def __init__(self, file: ArchiveFile) -> None:
        self._file = file

    def __call__(self, url: str, output: str, _: object) -> None:
        meter = _Meter(self._file, Path(output))
        fetch = pooch.HTTPDownloader(progressbar=meter, chunk_size=CHUNK, timeout=TIMEOUT)
        try:
            fetch(url, output, None)
        except requests.HTTPError as error:
            if error.response is not None and error.response.status_code in ASK_AGAIN:
                raise
            raise RefusedError(_short(error)) from None
        finally:
            meter.close()
        with Path(output).open("rb") as received:
            self._check(received, Path(output).stat().st_size)
        algorithm, _, expected = str(self._file.checksum).partition(":")
        if (digest := pooch.file_hash(output, alg=algorithm)) != expected:
            raise RefusedError(f"another file: its {algorithm} is {digest}, expected {expected}")

    def _check(self, received: IO[bytes], size: int) -> None:
        if received.read(512).lstrip().lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
            raise RefusedError("a web page instead of an archive (a moved file, or one that asks for a click)")
        if self._file.size is not None and size < self._file.size:
            raise ValueError(f"{size} of {self._file.size} bytes")


class _Meter:
    """The progress bar that pooch expects; it also stops an endless download."""

    def __init__(self, file: ArchiveFile, output: Path) -> None:
        self._largest = file.size or LARGEST
        self._output = output
        self._progress = Progress(f"fetch {file.name}, MB", (file.size or 0) // CHUNK)
        self._reported = 0

    @property
    def total(self) -> int:
        """Bytes that the server announces; 0 if it announces none."""
        return self._progress.total * CHUNK

    @total.setter
    def total(self, size: int) -> None:
        self._progress.total = size // CHUNK

    def update(self, _: int) -> None:
        """Checks how much has arrived, because a server's chunks may have any length."""
        size = self._output.stat().st_size
        if size > self._largest:
            raise RefusedError(f"more than {self._largest} bytes")
        self._progress.step(size // CHUNK - self._progress.done)
        if self._progress.done >= self._reported + REPORT_EVERY:
            self._reported = self._progress.done
            self._progress.report()

    def reset(self) -> None:
        """Called when the download is complete."""

    def close(self) -> None:
        """Stops the bar and leaves it on the screen."""
        self._progress.close()


def _short(error: Exception) -> str:
    """The reason of a failure, without the nested errors of a connection."""
    if isinstance(error, requests.HTTPError):
        return str(error).partition(" for url")[0]
    if isinstance(error, requests.RequestException):
        return "no answer, or a broken connection"
    return str(error)
