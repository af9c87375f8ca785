"""Fingerprints of code: what changes them, and which modules they cover."""

import shutil
import subprocess

import pytest

from mtl import fingerprint as module
from mtl.data.layouts import LAYOUTS
from mtl.fingerprint import of_stage
from mtl.networks import BACKBONES
from tests.conftest import ROOT

STAGES = {
    "prepare glyphs": ["data.prepare", "data.glyphs"],
    "prepare images": ["data.prepare", "data.source", "data.decode", "data.layouts.members", "data.layouts.images"],
    "pretrain": of_stage("training.pretrain", "resnet12"),
    "meta_train mtl": of_stage("training.meta_train", "resnet12", "meta_transfer"),
    "meta_train maml": of_stage("training.meta_train", "conv4", "maml"),
    "evaluate mtl": of_stage("evaluation.evaluate", "resnet12", "meta_transfer"),
    "table": ["reporting.tables"],
    "figure4": ["reporting.figure4"],
}
RESNET = {"pretrain", "meta_train mtl", "evaluate mtl"}
COMPUTING = RESNET | {"meta_train maml"}
ADAPTING_A_HEAD = {"meta_train mtl", "evaluate mtl"}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package, to edit."""
    shutil.copytree(ROOT / "mtl", tmp_path / "mtl", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "ROOT", tmp_path / "mtl")
    return tmp_path / "mtl"


def fingerprints():
    for function in (module.fingerprint, module._imports, module._code, module._tree, module._path):
        function.cache_clear()
    return {name: module.fingerprint(*modules) for name, modules in STAGES.items()}


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("training/meta_train.py", "phase, tasks = sampler.draw()", "phase, tasks = sampler.draw()  # drawn", set()),
        ("training/meta_train.py", '"""The `meta-train` stage', '"""The stage', set()),
        ("training/meta_train.py", "loss.backward()", "(2 * loss).backward()", {"meta_train mtl", "meta_train maml"}),
        ("training/pretrain.py", "VALIDATION_EPISODES = 600", "VALIDATION_EPISODES = 599", {"pretrain"}),
        ("learners/maml.py", "F.cross_entropy(", "2 * F.cross_entropy(", {"meta_train maml"}),
        ("learners/base_learner.py", "/ support", "/ (2 * support)", ADAPTING_A_HEAD),
        ("networks/batch_norm.py", "EPSILON = 1e-3", "EPSILON = 1e-5", COMPUTING),
        ("data/decode.py", "import io", "import io\nimport os", {"prepare images"}),
        ("networks/resnet12.py", "norm(conv, main), 0.1,", "norm(conv, main), 0.2,", RESNET),
        ("networks/conv4.py", "padding=1", "padding=2", {"meta_train maml"}),
        ("data/layouts/cifar100.py", "import numpy as np", "import numpy", set()),
        ("data/glyphs.py", "import math", "import math\nimport sys", {"prepare glyphs"}),
        ("runtime/progress.py", "import time", "import sys\nimport time", set()),
        ("reporting/figure4.py", '"test accuracy (%)"', '"accuracy (%)"', {"figure4"}),
        ("reporting/cells.py", '"**{note}**', '"*{note}*', {"table", "figure4"}),
        ("evaluation/statistics.py", "1.96 * float", "1.645 * float", {"evaluate mtl", "table"}),
    ],
)
def test_an_edit_changes_the_fingerprints_of_what_uses_it(package, file, old, new, changed):
    before = fingerprints()
    edit(package / file, old, new)
    after = fingerprints()
    assert {name for name in STAGES if before[name] != after[name]} == changed


def test_a_new_learner_changes_nothing(package):
    before = fingerprints()
    (package / "learners/protonet.py").write_text("def build(parts): ...\n")
    assert fingerprints() == before


def test_what_settings_choose_is_known():
    chosen = {f"networks.{name}" for name in BACKBONES} | {f"data.layouts.{name}" for name in LAYOUTS}
    readers = {"data.layouts.members", "data.source", "data.decode"}
    assert chosen | readers | {"data.glyphs"} == module.CHOICES


@pytest.mark.parametrize("version", ["python3.12", "python3.13"])
def test_other_versions_of_python_agree(version):
    """The fingerprint needs nothing but the standard library."""
    code = "from mtl.fingerprint import fingerprint; print(fingerprint('cli', 'runtime.files', 'spec'))"
    if shutil.which(version) is None or subprocess.run([version, "-c", ""], check=False).returncode:
        pytest.skip(f"there is no {version}")
    done = subprocess.run([version, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == module.fingerprint("cli", "runtime.files", "spec")


def test_a_module_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="there is no such module"):
        module.fingerprint("training.nothing")
