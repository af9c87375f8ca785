"""Whatever a tree or archive looks like: the right pixels in the right class, or one line; never anything else."""

from unicodedata import normalize

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from mtl.runtime.errors import UserError
from mtl.specs.datasets import ArchiveFile, SourceEntry
from tests.helpers.archives import write_tar
from tests.helpers.trees import class_list, plant, png, prepared, write_zip

NAMES = [
    "robin",
    "Robin",
    "wren",
    "images",
    "train",
    "test",
    "a b",
    "caf\u00e9",
    "cafe\u0301",
    "\u03b1",
    "x,y",
    'q"q',
    ".hid",
]
FILES = ["1.png", "2.PNG", "3.jpeg", "robin.png", "\u00e9.png", "4.gif", "notes.txt", ".5.png", "6"]
folders = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)
paths = st.tuples(folders, st.sampled_from(FILES)).map("/".join)


def holds(path, name):
    """Whether a path leads through the folder of a class."""
    return f"/{normalize('NFC', name)}/" in f"/{normalize('NFC', path)}"


def write(folder, form, values):
    """Writes the files as a tree or an archive; returns the source."""
    (folder / "data").mkdir()
    if form == "tree":
        plant(folder / "data", values)
        return SourceEntry(form="images", merge=["train", "test"])
    name = "mini.zip" if form == "zip" else "mini.tar"
    (write_zip if form == "zip" else write_tar)(folder / "data" / name, {path: png(v) for path, v in values.items()})
    return SourceEntry(form="images", files=[ArchiveFile(name=name)], merge=["train", "test"])


def quoted(*cells):
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


def outcome(folder, listed, source):
    """Class -> grey values, or the line of the refusal."""
    try:
        return prepared(folder, listed, source)
    except UserError as error:
        return str(error)


anything = settings(
    derandomize=True, max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
forms = st.sampled_from(["tree", "tar", "zip"])


@anything
@given(files=st.lists(paths, min_size=1, max_size=8, unique=True), data=st.data(), form=forms)
def test_a_list_of_classes(tmp_path_factory, files, data, form):
    folder = tmp_path_factory.mktemp("any")
    values = {path: 10 + 20 * index for index, path in enumerate(files)}
    source = write(folder, form, values)
    ends = {"/".join(path.split("/")[-depth:-1]) for path in files for depth in (2, 3, 4)}
    named = st.sampled_from(sorted(ends)) | folders
    wanted = data.draw(st.lists(named, min_size=1, max_size=3, unique=True))
    listed = class_list(folder / "classes.csv", *(quoted("train", name) for name in wanted))
    found = outcome(folder, listed, source)
    event("refused" if isinstance(found, str) else "taken")
    if isinstance(found, str):
        assert any(word in found for word in ("without images", "hold images of", "are in", "holds no", "stands"))
        return
    path_of = {value: path for path, value in values.items()}
    used = [value for of_class in found.values() for value in of_class]
    assert len(used) == len(set(used))
    assert found.keys() == set(wanted)
    for name, of_class in found.items():
        assert of_class
        assert all(holds(path_of[value], name) for value in of_class)
        # All images of a folder, or none.
        parents = {path_of[value].rpartition("/")[0] for value in of_class}
        beside = {v for path, v in values.items() if path.rpartition("/")[0] in parents and is_read(path)}
        assert beside == set(of_class)


def is_read(path):
    name = path.rpartition("/")[2]
    return name.lower().endswith((".png", ".jpeg")) and not name.startswith(".")


@anything
@given(files=st.lists(paths, min_size=1, max_size=8, unique=True), data=st.data(), form=forms)
def test_a_list_of_images(tmp_path_factory, files, data, form):
    folder = tmp_path_factory.mktemp("any")
    values = {path: 10 + 20 * index for index, path in enumerate(files)}
    source = write(folder, form, values)
    ends = sorted({"/".join(path.split("/")[-depth:]) for path in files for depth in (1, 2, 3)})
    wanted = data.draw(st.lists(st.sampled_from(ends), min_size=1, max_size=4, unique=True))
    rows = [quoted("train", f"c{index}", image) for index, image in enumerate(wanted)]
    found = outcome(folder, class_list(folder / "classes.csv", *rows, columns="split,class,image"), source)
    event("refused" if isinstance(found, str) else "taken")
    if isinstance(found, str):
        assert any(word in found for word in ("images missing", "there twice", "holds no"))
        return
    path_of = {value: path for path, value in values.items()}
    for index, image in enumerate(wanted):
        (value,) = found[f"c{index}"]
        assert f"/{path_of[value]}".endswith(f"/{image}")
