"""One file from the first of its mirrors that gives it whole and unaltered."""

from pathlib import Path
from typing import IO

import pooch
import requests

from mtl.runtime.errors import UserError
from mtl.runtime.progress import Progress
from mtl.specs.datasets import ArchiveFile

RETRIES = 2
ASK_AGAIN = (429, 500, 502, 503, 504)  # HTTP: a busy or broken server
LARGEST = 16 * 2**30  # bytes, of a file whose size nobody printed
TIMEOUT = 30  # seconds without a byte
CHUNK = 2**20
REPORT_EVERY = 64  # MB


class RefusedError(Exception):
    """A mirror gave something that asking again would not mend."""


def download(file: ArchiveFile, folder: Path) -> None:
    """Puts a file into a folder, unless it is there already; what does not match its checksum is never left there.

    A broken connection is tried again; after that, and after anything else, comes the next mirror.

    Raises:
        UserError: no mirror gave the file; the line says what each of them gave.
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
    """Pooch's HTTP download, followed by a look at what came."""

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
    """The progress bar that pooch asks for; it also stops a file that has no end."""

    def __init__(self, file: ArchiveFile, output: Path) -> None:
        self._largest, self._output = file.size or LARGEST, output
        self._progress = Progress(f"fetch {file.name}, MB", (file.size or 0) // CHUNK)
        self._reported = 0

    @property
    def total(self) -> int:
        """Bytes that the server promises; 0 if it does not say."""
        return self._progress.total * CHUNK

    @total.setter
    def total(self, size: int) -> None:
        self._progress.total = size // CHUNK

    def update(self, _: int) -> None:
        """Looks how much has come; what a server calls a chunk may have any length."""
        size = self._output.stat().st_size
        if size > self._largest:
            raise RefusedError(f"more than {self._largest} bytes")
        self._progress.step(size // CHUNK - self._progress.done)
        if self._progress.done >= self._reported + REPORT_EVERY:
            self._reported = self._progress.done
            self._progress.report()

    def reset(self) -> None:
        """Called when all has come."""

    def close(self) -> None:
        """Leaves the bar as it is."""
        self._progress.close()


def _short(error: Exception) -> str:
    """The reason, without the nested ones of a connection."""
    if isinstance(error, requests.HTTPError):
        return str(error).partition(" for url")[0]
    if isinstance(error, requests.RequestException):
        return "no answer, or a broken connection"
    return str(error)
