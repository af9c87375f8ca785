"""The `fetch` stage: finds a dataset in a folder, or downloads it, and verifies it before anything reads it."""

from pathlib import Path

from mtl.data.class_folders import Images
from mtl.data.download import download
from mtl.data.finding import cannot_be_downloaded, downloadable, find
from mtl.data.place import Place
from mtl.data.source import Source
from mtl.data.split import images_by_class, read_class_list
from mtl.runtime.errors import UserError
from mtl.runtime.files import locked
from mtl.specs.datasets import FetchSpec


def fetch(spec: FetchSpec, classes: Path, folder: str, archives: Path, record: Path, edition: str = "") -> None:
    """Writes `record`, which holds the dataset's location and the checksums of its files.

    Args:
        spec: the dataset and the forms in which it is published, in order of preference.
        classes: its class list, to recognise an unpacked tree.
        folder: where to look for their files or an unpacked tree, directly or in a subfolder named after the dataset;
            then nothing is downloaded. Empty: there is none.
        archives: where downloads go.
        record: `source.json`.
        edition: the name of the edition; see `mtl.data.edition`.

    Raises:
        UserError: the dataset is missing, cannot be downloaded, or fails verification.
    """
    listed = images_by_class(read_class_list(classes))
    try:
        place, images = find(spec, listed, folder) if folder else (_download(spec, archives), {})
        _source(spec.dataset, place, images, edition).write(record)
    except OSError as error:
        raise UserError(f"{error.filename or spec.dataset}: {error.strerror or error}") from None


def _download(spec: FetchSpec, archives: Path) -> Place:
    if (problem := cannot_be_downloaded(spec)) is not None:
        raise UserError(problem)
    problems = []
    for source in downloadable(spec):
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


def _source(dataset: str, place: Place, images: dict[str, Images], edition: str) -> Source:
    # The state first: what changes in between is then noticed.
    state = place.state(images)
    content = place.content(images)
    return Source(
        **vars(content),
        dataset=dataset,
        root=str(place.root),
        merge=list(place.merge),
        state=state,
        edition=edition,
    )
