"""The `fetch` stage: finds a dataset in a folder, or downloads it, and verifies it before anything reads it."""

from pathlib import Path

from mtl.data.download import download
from mtl.data.finding import Listed, cannot_be_downloaded, find
from mtl.data.place import Place
from mtl.data.source import Source
from mtl.data.split import images_by_class, read_class_list
from mtl.runtime.errors import UserError
from mtl.runtime.files import locked
from mtl.specs.datasets import FetchSpec


def fetch(spec: FetchSpec, classes: Path, folder: str, archives: Path, record: Path, edition: int = 0) -> None:
    """Writes `record`, which holds the dataset's location and the checksums of its files.

    Args:
        spec: the dataset and the forms in which it is published, in order of preference.
        classes: its class list, to recognise an unpacked tree.
        folder: where to look for their files or an unpacked tree, directly or in a subfolder named after the dataset;
            then nothing is downloaded. Empty: there is none.
        archives: where downloads go.
        record: `source.json`.
        edition: what to count the images as; see `Source`.

    Raises:
        UserError: the dataset is missing, cannot be downloaded, or fails verification.
    """
    listed = images_by_class(read_class_list(classes))
    try:
        place = find(spec, listed, folder) if folder else _download(spec, archives)
        _source(spec.dataset, place, listed, edition).write(record)
    except OSError as error:
        raise UserError(f"{error.filename or spec.dataset}: {error.strerror or error}") from None


def _download(spec: FetchSpec, archives: Path) -> Place:
    if (problem := cannot_be_downloaded(spec)) is not None:
        raise UserError(problem)
    problems = []
    for source in spec.sources:
        if not source.files or not all(file.urls for file in source.files):
            continue
        try:
            # Two datasets may share an archive.
            with locked(archives / ".lock", f"note: {archives}: another dataset is being downloaded; waiting"):
                for file in source.files:
                    download(file, archives)
        except UserError as error:
            problems.append(str(error))
        else:
            return Place(source.form, archives.resolve(), tuple(file.name for file in source.files))
    raise UserError(f"{spec.dataset}: {'; '.join(problems)}")


def _source(dataset: str, place: Place, listed: Listed, edition: int) -> Source:
    images = place.images(listed)
    return Source(
        dataset=dataset,
        form=place.form,
        root=str(place.root),
        files=place.digests(),
        tree=place.tree(images),
        merge=list(place.merge),
        state=place.state(images),
        edition=edition,
    )
