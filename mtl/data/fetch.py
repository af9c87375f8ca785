"""The `fetch` stage: finds a dataset in a folder, or downloads it, and verifies it before anything reads it."""

from pathlib import Path

import pooch

from mtl.data.archives.images import is_image
from mtl.data.archives.members import walk
from mtl.data.download import download
from mtl.data.source import Source, state_of
from mtl.data.split import read_class_list
from mtl.runtime.errors import UserError
from mtl.runtime.files import locked, sha256
from mtl.specs.datasets import FetchSpec, SourceEntry


def fetch(spec: FetchSpec, classes: Path, folder: Path | None, archives: Path, record: Path) -> None:
    """Writes `record`, which holds the dataset's location and the checksums of its files.

    Args:
        spec: the dataset and the forms in which it is published, in order of preference.
        classes: its class list, to recognise an unpacked tree.
        folder: where to look for their files or an unpacked tree, directly or in a subfolder named after the dataset;
            then nothing is downloaded.
        archives: where downloads go if no `folder` is given.
        record: `source.json`.

    Raises:
        UserError: the dataset is missing, cannot be downloaded, or fails verification.
    """
    try:
        found = _download(spec, archives) if folder is None else _find(spec, classes, folder.expanduser().resolve())
    except OSError as error:
        raise UserError(f"{error.filename or spec.dataset}: {error.strerror or error}") from None
    found.write(record)


def _download(spec: FetchSpec, archives: Path) -> Source:
    available = [source for source in spec.sources if source.files and all(file.urls for file in source.files)]
    if not available:
        raise UserError(
            f"config: data: {spec.dataset} cannot be downloaded; get {_expected(spec)} and point `data` at the folder"
        )
    problems = []
    for source in available:
        try:
            # Two datasets may share an archive.
            with locked(archives / ".lock", f"note: {archives}: another dataset is being downloaded; waiting"):
                for file in source.files:
                    download(file, archives)
        except UserError as error:
            problems.append(str(error))
        else:
            return _source(source, archives.resolve())
    raise UserError(f"{spec.dataset}: {'; '.join(problems)}")


def _find(spec: FetchSpec, classes: Path, folder: Path) -> Source:
    if not folder.is_dir():
        raise UserError(f"config: data: there is no folder {folder}")
    roots = [root for root in (folder / spec.dataset, folder) if root.is_dir()]
    problems = []
    for root in roots:
        for source in spec.sources:
            there = [file.name for file in source.files if (root / file.name).is_file()]
            if not there:
                continue
            missing = [file.name for file in source.files if file.name not in there]
            if missing:
                problems.append(f"{root} holds {' and '.join(there)}, but not {' and '.join(missing)}")
            elif altered := _altered(source, root):
                problems.append(altered)
            else:
                return _source(source, root)
    if problems:
        raise UserError(f"config: data: {spec.dataset}: {'; '.join(problems)}")
    if any(not source.files for source in spec.sources):
        for root in roots:
            if _is_tree(root, classes):
                return Source("images", str(root), {}, {})
    raise UserError(f"config: data: {folder} holds no {spec.dataset}; expected {_expected(spec)}")


def _altered(source: SourceEntry, root: Path) -> str | None:
    """What is wrong with the first file that does not match its checksum."""
    for file in source.files:
        if file.checksum is None:
            continue
        algorithm, _, expected = file.checksum.partition(":")
        if (found := pooch.file_hash(str(root / file.name), alg=algorithm)) != expected:
            return f"{root / file.name}: its {algorithm} is {found}, expected {expected}; it is damaged or another file"
    return None


def _is_tree(root: Path, classes: Path) -> bool:
    """Whether a folder holds an image of the class list: one it names, or one in a folder named after a class."""
    listed = [(name, images) for names in read_class_list(classes).values() for name, images in names.items()]
    folders = {name for name, images in listed if not images}
    names = {image.rpartition("/")[2] for _, images in listed for image in images}
    return any(is_image(path) and (path.name in names or path.parent.name in folders) for path in walk(root))


def _source(source: SourceEntry, root: Path) -> Source:
    paths = {file.name: root / file.name for file in source.files}
    states = {name: state_of(path) for name, path in paths.items()}
    return Source(source.form, str(root), {name: sha256(path) for name, path in paths.items()}, states)


def _expected(spec: FetchSpec) -> str:
    forms = [" + ".join(file.name for file in source.files) or "an unpacked tree of images" for source in spec.sources]
    return ", or ".join(forms)
