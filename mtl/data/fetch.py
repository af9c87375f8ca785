"""The `fetch` stage: finds a dataset in a folder, or downloads it, and verifies it before anything reads it."""

from pathlib import Path

import pooch

from mtl.data.download import download
from mtl.data.layouts.images import is_image
from mtl.data.layouts.members import walk
from mtl.data.source import Source
from mtl.runtime.errors import UserError
from mtl.runtime.files import sha256
from mtl.spec import FetchSpec, SourceSpec


def fetch(spec: FetchSpec, folder: Path | None, archives: Path, record: Path) -> None:
    """Writes `record`, which says where the dataset lies and what its files' checksums are.

    Args:
        spec: the sources of the dataset, best first.
        folder: where to look for their files or an unpacked tree, directly or in a subfolder named like the dataset;
            nothing is downloaded then.
        archives: where downloads go if there is no such folder.
        record: `source.json`.

    Raises:
        UserError: the dataset is not there, cannot be downloaded, or is not what it should be.
    """
    source = _download(spec, archives) if folder is None else _find(spec, folder.expanduser().resolve())
    source.write(record)


def _download(spec: FetchSpec, archives: Path) -> Source:
    available = [source for source in spec.sources if source.files and all(file.urls for file in source.files)]
    if not available:
        raise UserError(
            f"config: data: {spec.dataset} cannot be downloaded; get {_expected(spec)} and point `data` at the folder"
        )
    problems = []
    for source in available:
        try:
            for file in source.files:
                download(file, archives)
        except UserError as error:
            problems.append(str(error))
        else:
            return _source(source, archives.resolve())
    raise UserError(f"{spec.dataset}: {'; '.join(problems)}")


def _find(spec: FetchSpec, folder: Path) -> Source:
    if not folder.is_dir():
        raise UserError(f"config: data: there is no folder {folder}")
    problems = []
    for root in (folder / spec.dataset, folder):
        for source in spec.sources:
            if not source.files and root.is_dir() and any(is_image(path) for path in walk(root)):
                return _source(source, root)
            if not source.files or not all((root / file.name).is_file() for file in source.files):
                continue
            if altered := _altered(source, root):
                problems.append(altered)
            else:
                return _source(source, root)
    if problems:
        raise UserError(f"{spec.dataset}: {'; '.join(problems)}")
    raise UserError(f"config: data: {folder} holds no {spec.dataset}; expected {_expected(spec)}")


def _altered(source: SourceSpec, root: Path) -> str | None:
    """What is wrong with the first file that is not what it should be."""
    for file in source.files:
        if file.checksum is None:
            continue
        algorithm, _, expected = file.checksum.partition(":")
        if (found := pooch.file_hash(str(root / file.name), alg=algorithm)) != expected:
            return f"{root / file.name}: its {algorithm} is {found}, expected {expected}; it is damaged or another file"
    return None


def _source(source: SourceSpec, root: Path) -> Source:
    return Source(source.layout, str(root), {file.name: sha256(root / file.name) for file in source.files})


def _expected(spec: FetchSpec) -> str:
    forms = [" + ".join(file.name for file in source.files) or "an unpacked tree of images" for source in spec.sources]
    return ", or ".join(forms)
