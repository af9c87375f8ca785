"""The forms in which a dataset is published: an entry of `config/datasets.yaml` as typed values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ArchiveFile:
    """A file of a published dataset; `checksum` is `md5:...` or `sha256:...`, None where nobody printed one."""

    name: str
    checksum: str | None
    size: int | None
    urls: list[str]


@dataclass(frozen=True)
class SourceSpec:
    """One form in which a dataset is published; without files it is an unpacked tree."""

    layout: str
    files: list[ArchiveFile]


@dataclass(frozen=True)
class FetchSpec:
    """The sources of a dataset; the first that is there, or can be downloaded, is taken."""

    dataset: str
    sources: list[SourceSpec]


def sources_of(dataset: str, entry: Mapping[str, Any]) -> FetchSpec:
    """The sources of an entry of `config/datasets.yaml`."""
    sources = [
        SourceSpec(
            source["layout"],
            [
                ArchiveFile(file["name"], file.get("checksum"), file.get("size"), file.get("urls", []))
                for file in source.get("files", [])
            ],
        )
        for source in entry["sources"]
    ]
    return FetchSpec(dataset, sources)
