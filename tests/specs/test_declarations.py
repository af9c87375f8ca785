"""One declaration per key gives the check, the documentation and the spec."""

import dataclasses
import json
import subprocess
import sys
import typing

import jsonschema
import pytest

from mtl.experiment.project import read_yaml
from mtl.specs import checking, reading, reference
from mtl.specs.config import Config
from mtl.specs.declare import Settings
from mtl.specs.drawing import EpisodesSpec
from mtl.specs.evaluating import EvaluateSpec
from mtl.specs.meta_training import MetaTrainSpec
from mtl.specs.preparing import PrepareSpec
from mtl.specs.pretraining import PretrainSpec
from mtl.specs.reading import default_of
from tests.helpers.learners import CONFIG, ROOT
from tests.helpers.project import make_project, with_package

NAMES = ("config", "methods", "datasets", "tables", "claims", "decisions")
DEFAULTS = ROOT / "tests/golden/defaults.json"


def test_the_reference_is_current_and_describes_every_key():
    page = reference.reference()
    assert (CONFIG / "README.md").read_text(encoding="utf-8") == page, "mtl config-reference > config/README.md"
    assert not [line for line in page.splitlines() if line.startswith("| `") and "|  |  |  |" in line]


def test_the_schemas_for_editors_ask_for_no_key_and_refuse_unknown_ones(tmp_path):
    reference.write_schemas(tmp_path)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {f"{name}.schema.json" for name in (*NAMES, "protocol")}
    content = json.loads((tmp_path / "config.schema.json").read_text())
    assert "required" not in json.dumps(content)
    assert content["additionalProperties"] is False
    assert content["properties"]["ways"]["items"]["minimum"] == 2


@pytest.mark.parametrize("name", [*NAMES, "published/protocol"])
def test_the_shipped_files_follow_the_schemas_for_editors(tmp_path, name):
    reference.write_schemas(tmp_path)
    schema = json.loads((tmp_path / f"{name.rpartition('/')[2]}.schema.json").read_text())
    others = ["miniimagenet-cpu", "paper", "paper-inductive"] if name == "config" else []
    for file in [name, *others]:
        jsonschema.validate(read_yaml(CONFIG / f"{file}.yaml"), schema)


ADDED = """
import json
from mtl.experiment.load import load
from mtl.experiment.project import extended, read_yaml
from mtl.runtime.errors import UserError
from mtl.specs.reference import reference
from pathlib import Path
from types import SimpleNamespace

names = SimpleNamespace(dataset="glyphs", backbone="resnet12", seed="0", method="ss-all", way="5", shot="1")


def told(value):
    content = extended(read_yaml(Path("config/config.yaml")), {"meta_train": {"smoothing": value}})
    return json.loads(load(content).jobs.spec("meta_train")(names))["meta_train"]


try:
    told(-1)
except UserError as error:
    print(error)
print("smoothing" in told(0.0), told(0.5)["smoothing"])
print(next(line for line in reference().splitlines() if "smoothing" in line))
"""


def test_a_key_that_is_declared_is_checked_documented_and_in_the_spec(tmp_path):
    project = make_project(tmp_path)
    path = with_package(project) / "specs/meta_training.py"
    line = '    smoothing: float = key("Label smoothing.", ge=0, default=0.0, paper="none")\n'
    before = "    tasks: int = key("
    path.write_text(path.read_text(encoding="utf-8").replace(before, line + before, 1), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", ADDED], cwd=project, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "config/config.yaml: meta_train.smoothing: -1 must be greater than or equal to 0",
        "False 0.5",
        "| `meta_train.smoothing` | number ≥ 0 | `0.0` | Label smoothing. | none |",
    ], done.stderr


def defaults(kind):
    """The defaults of all keys of a spec, by dotted name."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if default_of(field) is not dataclasses.MISSING:
            yield f"{kind.__name__}.{field.name}", default_of(field)
        for inner in (hints[field.name], *typing.get_args(hints[field.name])):
            if dataclasses.is_dataclass(inner):
                yield from ((f"{kind.__name__}.{name}", value) for name, value in defaults(inner))


def test_no_default_of_a_spec_ever_changes():
    """A spec leaves out defaults, so results made without a key were made with the default of that time."""
    kinds = (PrepareSpec, EpisodesSpec, PretrainSpec, MetaTrainSpec, EvaluateSpec)
    now = dict(pair for kind in kinds for pair in defaults(kind))
    kept = json.loads(DEFAULTS.read_text(encoding="utf-8"))
    for name, value in kept.items():
        assert now[name] == value, f"{name}: a default must stay as it is; change the value in config/ instead"
    new = {name: value for name, value in now.items() if name not in kept}
    assert not new, f"write the new ones into {DEFAULTS.name}: {json.dumps(new)}"


def test_specs_can_be_read_without_pydantic():
    """Stages also run where little more than torch is installed."""
    modules = ["preparing", "drawing", "pretraining", "meta_training", "evaluating", "reading", "datasets"]
    code = f"import sys, {', '.join(f'mtl.specs.{name}' for name in modules)}; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inner(Settings):
    number: int
    text: str = "a"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outer(Settings):
    inner: Inner
    maybe: Inner | None = None
    numbers: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Whole(Settings):
    section: Inner = dataclasses.field(default_factory=lambda: Inner(number=7))


def test_a_spec_takes_what_it_declares_and_leaves_out_defaults():
    values = {"inner": {"number": 1, "text": "a", "z": 2}, "maybe": {"number": 2, "text": "b"}, "numbers": [], "z": 3}
    spec = reading.spec_of(Outer, values)
    assert spec == Outer(inner=Inner(number=1), maybe=Inner(number=2, text="b"))
    assert reading.to_plain(spec) == {"inner": {"number": 1}, "maybe": {"number": 2, "text": "b"}}
    assert reading.from_plain(Outer, reading.to_plain(spec), "x") == spec


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice(Settings):
    at: int | typing.Literal["last"] | None


@pytest.mark.parametrize("value", [3, "last", None])
def test_each_type_of_a_union_can_be_read(value):
    assert reading.from_plain(Choice, {"at": value}, "x").at == value
    with pytest.raises(checking.UserError, match=r"x\.at: 'first' is not one of last"):
        reading.from_plain(Choice, {"at": "first"}, "x")


def test_a_section_with_its_default_is_left_out():
    assert reading.to_plain(Outer(inner=Inner(number=1))) == {"inner": {"number": 1}}
    assert reading.to_plain(Whole()) == {}
    assert reading.to_plain(Whole(section=Inner(number=7))) == {}
    assert reading.to_plain(Whole(section=Inner(number=8))) == {"section": {"number": 8}}


def test_values_of_sections_that_are_left_out_are_unknown():
    with pytest.raises(checking.UserError, match=r"x: maybe\.numbr: unknown key; did you mean 'number'\?"):
        checking.checked(Outer, {"inner": {"number": 1}, "maybe": {"numbr": 1, "number": 1}}, "x")


def test_every_type_of_the_config_can_be_resolved():
    assert typing.get_type_hints(Config)["overrides"]
