"""Whatever an outside file contains, it is read or refused with one line."""

import copy
import io
import json
import shutil

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mtl.data.archives import images as image_files
from mtl.data.archives.members import members
from mtl.data.decode import decoded
from mtl.data.image_set import load_split
from mtl.data.source import read_source
from mtl.data.split import read_class_list, read_rows
from mtl.data.stored_episodes import read_episodes
from mtl.experiment.load import load
from mtl.experiment.project import read_yaml
from mtl.networks.weights import load_backbone
from mtl.reporting.manifest import problems_of
from mtl.reporting.results import read_csv
from mtl.runtime.errors import UserError
from mtl.runtime.files import read_record, sha256
from mtl.specs.evaluating import EvaluateSpec
from mtl.specs.meta_training import MetaTrainSpec
from mtl.specs.reading import from_json
from mtl.training.checkpoint import Checkpoint
from tests.helpers.archives import jpeg, noise_image, tar_bytes
from tests.helpers.learners import CONFIG, CPU, NETWORK, ROOT, STORED

# The same examples in every run, so that failures come from changes and not from chance.
fuzzed = settings(
    derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


def taken_or_refused(read):
    """Calls `read`; returns its result, or None if it refused with one line."""
    try:
        return read()
    except UserError as error:
        lines = str(error).splitlines()
    assert len(lines) == 1
    return None


@st.composite
def damaged(draw, content):
    """Bytes with a few of them changed, removed or inserted, or the end cut off."""
    damaged = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(damaged) - 1)))
        kind = draw(st.sampled_from(["change", "cut", "insert", "remove"]))
        if kind == "change" and damaged:
            damaged[place] = draw(st.integers(0, 255))
        elif kind == "cut":
            del damaged[place:]
        elif kind == "insert":
            damaged[place:place] = draw(st.binary(max_size=9))
        else:
            del damaged[place : place + draw(st.integers(1, 9))]
    return bytes(damaged)


def key_paths(content, path=()):
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from key_paths(value, (*path, key))


DEFAULT = read_yaml(CONFIG / "config.yaml")


@fuzzed
@given(data=st.data())
def test_config(data):
    config = copy.deepcopy(DEFAULT)
    place = data.draw(st.sampled_from(sorted(key_paths(config), key=str)))
    inner = config
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = data.draw(values)
    taken_or_refused(lambda: load(config, ROOT))


@pytest.mark.parametrize("name", ["methods", "datasets", "tables", "claims", "decisions"])
@settings(fuzzed, max_examples=25)
@given(data=st.data())
def test_other_files_of_the_config(name, tmp_path, data):
    folder = tmp_path / "config"
    shutil.copytree(CONFIG, folder, dirs_exist_ok=True)
    content = read_yaml(CONFIG / f"{name}.yaml")
    place = data.draw(st.sampled_from(sorted(key_paths(content), key=str)))
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = data.draw(values)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    taken_or_refused(lambda: load(copy.deepcopy(DEFAULT), tmp_path))


@fuzzed
@given(content=damaged((CONFIG / "methods.yaml").read_bytes()[:600]) | st.binary(max_size=60))
def test_yaml(tmp_path, content):
    (tmp_path / "x.yaml").write_bytes(content)
    taken_or_refused(lambda: read_yaml(tmp_path / "x.yaml"))


SPLIT = b"image,class,split\na1,a,train\na2,a,train\nb1,b,val\n"
LISTS = b"split,class,image,superclass\ntrain,a,a1,x\ntrain,a,a2,x\nval,b,b1,y\n"


@fuzzed
@given(content=damaged(SPLIT) | damaged(LISTS) | st.binary(max_size=60))
def test_split_and_class_list(tmp_path, content):
    (tmp_path / "x.csv").write_bytes(content)
    for read in (read_class_list, lambda path: read_rows(path, "train")):
        taken_or_refused(lambda read=read: read(tmp_path / "x.csv"))


@fuzzed
@given(content=damaged(b"episode,accuracy\n0,50.0\n1,60.0\n2,\n") | st.binary(max_size=60))
def test_numbers_of_a_report(tmp_path, content):
    (tmp_path / "x.csv").write_bytes(content)
    table = taken_or_refused(lambda: read_csv(tmp_path / "x.csv", ["episode"], ["accuracy"]))
    assert table is None or table["accuracy"].dtype.kind in "if"


@fuzzed
@given(data=st.data())
def test_episodes(tiny, tmp_path, test_images, data):
    (tmp_path / "x.npz").write_bytes(data.draw(damaged((tiny / "test.npz").read_bytes())))
    episodes = taken_or_refused(lambda: read_episodes(tmp_path / "x.npz", test_images, STORED))
    assert episodes is None or len(episodes.classes) == 12


@fuzzed
@given(data=st.data())
def test_prepared_images(tiny, tmp_path, data):
    content = (tiny / "images.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(data.draw(damaged(content[:200])) + content[200:])
    images = taken_or_refused(lambda: load_split(tmp_path / "x.npy", tiny / "split.csv", "test", CPU.torch_device))
    assert images is None or (images.images.dtype == torch.uint8 and images.images.shape[:2] == (120, 3))


@fuzzed
@given(data=st.data())
def test_weights(tiny, tmp_path, data):
    content = (tiny / "theta.safetensors").read_bytes()
    head = data.draw(st.integers(1, 3000))
    (tmp_path / "x.safetensors").write_bytes(data.draw(damaged(content[:head])) + content[head:])
    taken_or_refused(lambda: load_backbone(NETWORK, tmp_path / "x.safetensors"))


@fuzzed
@given(data=st.data())
def test_checkpoints(tmp_path, data):
    checkpoint = Checkpoint(tmp_path / "x", {})
    checkpoint._next = 0
    checkpoint.offer(lambda: {"x": torch.arange(3)})
    (tmp_path / "x").write_bytes(data.draw(damaged((tmp_path / "x").read_bytes())))
    state = checkpoint.restore()
    assert state is None or state["x"].tolist() == [0, 1, 2]


def encoded(form):
    file = io.BytesIO()
    Image.fromarray(noise_image(8)).save(file, form)
    return file.getvalue()


@fuzzed
@given(content=st.one_of(*(damaged(encoded(form)) for form in ("JPEG", "PNG", "BMP", "WEBP"))))
def test_images(content):
    taken = taken_or_refused(lambda: list(decoded([("x", content)], 8, 1)))
    assert taken is None or taken[0][1].shape == (8, 8, 3)


ARCHIVE = tar_bytes({f"a{index}.jpg": jpeg(noise_image(8)) for index in range(3)})


@fuzzed
@given(content=damaged(ARCHIVE) | st.binary(max_size=60))
def test_archives(tmp_path, content):
    (tmp_path / "x.tar").write_bytes(content)
    wanted = {"a": [f"a{index}.jpg" for index in range(3)]}
    taken_or_refused(lambda: list(image_files.read(members(tmp_path, ["x.tar"]), wanted)))


RECORD = {
    "dataset": "x", "form": "images", "root": "data", "files": {"x.tar": "00"}, "tree": "", "merge": [], "state": "00",
    "edition": "",
}  # fmt: skip
INPUTS = {"images": {"path": "images.npy", "sha256": "00"}}
PROVENANCE = {"inputs": INPUTS, "code": "0", "entries": ["training.meta_train:meta_train"]}


@fuzzed
@given(content=damaged(json.dumps(RECORD).encode()) | values.map(lambda value: json.dumps(value).encode()))
def test_records(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    taken_or_refused(lambda: read_source(tmp_path / "manifest.json"))
    taken_or_refused(lambda: read_record(tmp_path / "manifest.json", "files", "x.tar"))


@fuzzed
@given(content=damaged(json.dumps({"outputs": {"x": "00"}, "provenance": PROVENANCE}).encode()))
def test_chains(tmp_path, content):
    record = tmp_path / "training.json"
    record.write_bytes(content)
    files = {str(record): sha256(record), str(tmp_path / "x"): "00"}
    manifest = {"results": str(tmp_path), "files": files, "archives": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    problems = taken_or_refused(lambda: list(problems_of(tmp_path)))
    assert (tmp_path / "x", "missing") in problems
    assert any(problem.startswith("stale: ") for _, problem in problems)


@fuzzed
@given(content=damaged(json.dumps({"results": "x", "files": {"x": "00"}, "archives": {"y": "00"}}).encode()))
def test_manifests(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    taken_or_refused(lambda: list(problems_of(tmp_path)))


@fuzzed
@given(text=values.map(json.dumps) | st.text(max_size=40))
def test_specs(text):
    for kind in (EvaluateSpec, MetaTrainSpec):
        taken_or_refused(lambda kind=kind: from_json(kind, text))
