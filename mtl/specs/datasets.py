"""An entry of `config/datasets.yaml`: where a dataset comes from and what it must contain."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mtl.specs.declare import Found, Settings, Within, key


@dataclass(frozen=True, kw_only=True)
class ArchiveFile(Settings):
    """A file of a published dataset."""

    name: str = key(
        "File name, or path below the folder that is searched.", pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$"
    )
    checksum: str | None = key(
        "`md5:` or `sha256:` and the digest. Required for downloads.",
        pattern="^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})$",
        default=None,
    )
    size: int | None = key("Size, if known.", unit="bytes", ge=1, default=None)
    urls: list[Annotated[str, Within(pattern="^https?://")]] = key("Mirrors, tried in order.", default_factory=list)


@dataclass(frozen=True, kw_only=True)
class SourceEntry(Settings):
    """One form in which a dataset is published."""

    form: Annotated[str, Found("data.archives")] = key(
        "A module of `mtl/data/archives`. `images`: image files in an archive or tree; `pickles`: "
        "`mini-imagenet-cache-*.pkl`; `labelled_pickles`: those of MetaOptNet; `ilsvrc`: the ILSVRC-2012 training tar; "
        "`cifar100`: CIFAR-100's Python archive."
    )
    files: list[ArchiveFile] = key(
        "The archives or files, all of them needed. Leave the key out for an unpacked tree of images.",
        default_factory=list,
    )
    merge: list[str] = key(
        "`images`: folders whose folders of the same name are parts of one class, as `train/apple` and `test/apple`.",
        default_factory=list,
    )


@dataclass(frozen=True, kw_only=True)
class FetchSpec(Settings):
    """The spec of `mtl fetch`: a dataset and the forms in which it is published."""

    dataset: str
    sources: list[SourceEntry]
    images_per_class: int


@dataclass(frozen=True, kw_only=True)
class ClassCounts(Settings):
    """Number of classes in each split."""

    train: int = key("Training classes.", ge=2)
    val: int = key("Validation classes.", ge=2)
    test: int = key("Test classes.", ge=2)


@dataclass(frozen=True, kw_only=True)
class DatasetEntry(Settings):
    """An entry of `config/datasets.yaml`."""

    title: str = key("The dataset's name in tables.")
    note: str = key("A remark that heads every table of the dataset.", default="")
    kind: Literal["glyphs", "images"] = key(
        "Where the images come from: `glyphs` are rendered, `images` have `sources`."
    )
    licence: str = key("What the images may be used for.", default="")
    split: str = key(
        "A CSV file, its path without braces. It has the columns `split` (train, val, test) and `class`, and either "
        "one row per class or, with a column `image`, one row per image. If there is a column `superclass`, each "
        "super-class must stay within one split. An image is named by its file or the end of its path, a class without "
        "images by its folder or the end of its path.",
        pattern=r"^[^{}]+$",
    )
    classes: ClassCounts = key("Number of classes in each split.")
    images_per_class: int = key("Minimum number of images per class.", ge=2)
    digests: dict[str, Annotated[str, Within(pattern="^[0-9a-f]{64}$")]] = key(
        "SHA-256 of the prepared pixels, by image size in pixels; preparation prints a note if they differ.",
        default_factory=dict,
    )
    seed: int | None = key("`glyphs`: seed of the rendering.", ge=0, default=None)
    sources: list[SourceEntry] = key(
        "`images`: the forms in which the dataset is published, in order of preference.", default_factory=list
    )


DatasetFile = dict[Annotated[str, Within(pattern="^[a-z][a-z0-9-]*$")], DatasetEntry]
