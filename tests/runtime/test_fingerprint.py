"""Fingerprints of code: what changes them, and what they cover."""

import shutil
import subprocess

import pytest

from mtl.runtime import fingerprint as module
from mtl.runtime import syntax
from mtl.runtime.errors import UserError
from mtl.runtime.fingerprint import WITHOUT_EFFECT
from mtl.specs.stages import entry_points
from tests.helpers.learners import ROOT

IMAGES = ["data.prepare:prepare", "data.source_images:opened", "data.archives.images:read"]
STAGES = {
    "prepare glyphs": ["data.prepare:prepare", "data.glyphs:rendered"],
    "prepare images": IMAGES,
    "prepare cifar": [*IMAGES, "data.archives.cifar100:read"],
    "pretrain": entry_points("pretrain", "resnet12", optimizer="adam-halving"),
    "meta_train mtl": entry_points("meta_train", "resnet12", learner="meta_transfer"),
    "meta_train maml": entry_points("meta_train", "conv4", learner="maml"),
    "evaluate mtl": entry_points("evaluate", "resnet12", learner="meta_transfer"),
    "table": ["reporting.tables:write_table"],
    "figure4": ["reporting.figures.figure4:write"],
}
RESNET = {"pretrain", "meta_train mtl", "evaluate mtl"}
META_TRAINING = {"meta_train mtl", "meta_train maml"}
COMPUTING = RESNET | META_TRAINING
ADAPTING_A_HEAD = {"meta_train mtl", "evaluate mtl"}
REPORTS = {"table", "figure4"}
READING = {"prepare images", "prepare cifar"}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package, to edit."""
    shutil.copytree(ROOT / "mtl", tmp_path / "mtl", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(syntax, "PACKAGE", tmp_path / "mtl")
    yield tmp_path / "mtl"
    forget()


def forget():
    for function in (syntax.path_of, syntax.tree_of, module.fingerprint, module._definitions, module._references):
        function.cache_clear()
    module._code.cache_clear()
    module._nodes.cache_clear()


def fingerprints():
    forget()
    return {name: module.fingerprint(*entries) for name, entries in STAGES.items()}


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("training/meta_train.py", "phase, tasks = sampler.draw()", "phase, tasks = sampler.draw()  # drawn", set()),
        ("training/meta_train.py", '"""The `meta-train` stage', '"""The stage', set()),
        ("training/meta_step.py", "loss.backward()", "(2 * loss).backward()", META_TRAINING),
        ("training/pretrain.py", "VALIDATION_EPISODES = 600", "VALIDATION_EPISODES = 599", {"pretrain"}),
        ("training/optimizers/adam_halving.py", "torch.optim.Adam(", "torch.optim.AdamW(", {"pretrain"}),
        ("training/optimizers/sgd_one_cycle.py", "MOMENTUM = 0.9", "MOMENTUM = 0.8", set()),
        ("training/schedules.py", "0.5**halvings", "0.4**halvings", META_TRAINING | {"pretrain"}),
        ("learners/maml.py", "F.cross_entropy(", "2 * F.cross_entropy(", {"meta_train maml"}),
        ("learners/base_learner.py", "/ support", "/ (2 * support)", ADAPTING_A_HEAD),
        ("learners/nearest_mean.py", "alpha=2", "alpha=3", {"pretrain"}),
        ("networks/batch_norm.py", "EPSILON = 1e-3", "EPSILON = 1e-5", COMPUTING),
        ("networks/set_norm.py", "PART = 1024", "PART = 2048", COMPUTING),
        ("networks/resnet12.py", "sets, slope=0.1)", "sets, slope=0.2)", RESNET),
        ("networks/conv4.py", "padding=1", "padding=2", {"meta_train maml"}),
        ("networks/conv4.py", 'LABEL = "4CONV"', 'LABEL = "Conv-4"', set()),
        ("data/decode.py", "WAITING = 64", "WAITING = 65", READING),
        ("data/archives/cifar100.py", "SIZE = 32", "SIZE = 33", {"prepare cifar"}),
        ("data/glyphs.py", "rng.uniform(0.02, 0.10)", "rng.uniform(0.02, 0.11)", {"prepare glyphs"}),
        ("data/glyphs.py", "import math", "import math\nimport sys", set()),
        # The same name, imported from elsewhere.
        ("data/glyphs.py", "import math", "import cmath as math", {"prepare glyphs"}),
        (
            "data/split.py",
            "class Row(NamedTuple)",
            "class Row(tuple)",
            {"prepare glyphs", *READING, *COMPUTING, *REPORTS},
        ),
        ("reporting/figures/figure4.py", '"test accuracy (%)"', '"accuracy (%)"', {"figure4"}),
        ("reporting/markdown.py", '"**{note}**', '"*{note}*', {"table"}),
        ("reporting/markdown.py", "if note]", "if note != '']", REPORTS),
        ("evaluation/interval.py", "1.96 * float", "1.645 * float", {"evaluate mtl", "table"}),
        # What cannot change a number.
        ("runtime/progress.py", "self.done += count", "self.done += 2 * count", set()),
        ("runtime/errors.py", "sys.exit(1)", "sys.exit(2)", set()),
        ("specs/meta_training.py", "ge=1)\n    tasks", "ge=2)\n    tasks", set()),
        ("specs/methods.py", 'self.meta_batch != "none"', 'self.meta_batch == "plain"', COMPUTING - {"pretrain"}),
        ("specs/reading.py", "return float(value)", "return 2 * float(value)", COMPUTING | READING | REPORTS),
        ("experiment/cell.py", "int(match[name])", "1 + int(match[name])", REPORTS),
        ("networks/weights.py", "holds other tensors", "holds wrong tensors", set()),
        ("networks/conv4.py", "dropout: float = 0.0", "dropout: int = 0.0", set()),
        ("training/checkpoint.py", "INTERVAL = 5.0", "INTERVAL = 6.0", set()),
        ("runtime/gpus.py", "WAIT = 1.0", "WAIT = 2.0", set()),
        ("cli.py", "threads: Annotated[int, typer.Option(min=1)] = 1", "threads: int = 1", set()),
    ],
)
def test_an_edit_changes_the_fingerprints_of_what_uses_it(package, file, old, new, changed):
    before = fingerprints()
    edit(package / file, old, new)
    after = fingerprints()
    assert {name for name in STAGES if before[name] != after[name]} == changed


ADDITIONS = {
    "a learner": ("learners/protonet.py", "KEYS = ()\n\n\ndef build(setup): ...\n"),
    "a backbone": ("networks/conv6.py", 'LABEL = "6CONV"\n\n\ndef build(width, dropout=0.0): ...\n'),
    "a form of archive": ("data/archives/lmdb.py", "def read(files, wanted): ...\n"),
    "a figure": ("reporting/figures/violin.py", "def write(plan, published, results, csv, pictures): ...\n"),
    **{
        f"a helper in runtime/{path.name}": (f"runtime/{path.name}", "\n\ndef unused(x):\n    return x\n")
        for path in sorted((ROOT / "mtl/runtime").glob("*.py"))
    },
}


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_changes_nothing(package, name):
    before = fingerprints()
    file, text = ADDITIONS[name]
    with (package / file).open("a", encoding="utf-8") as opened:
        opened.write(text)
    assert fingerprints() == before


def test_an_edit_of_what_a_function_imports_inside_changes_it(package):
    entry = "helpers:outer"
    (package / "helpers.py").write_text("def outer():\n    from mtl.inner import f\n\n    return f()\n")
    (package / "inner.py").write_text("def f():\n    return 1\n\n\ndef g():\n    return 2\n")
    forget()
    before = module.fingerprint(entry)
    edit(package / "inner.py", "return 2", "return 3")
    forget()
    assert module.fingerprint(entry) == before
    edit(package / "inner.py", "return 1", "return 3")
    forget()
    assert module.fingerprint(entry) != before


def test_what_a_module_does_when_it_is_imported_counts(package):
    before = fingerprints()
    edit(package / "reporting/figure_style.py", 'mpl.use("Agg")', 'mpl.use("svg")')
    after = fingerprints()
    assert {name for name in STAGES if before[name] != after[name]} == {"figure4"}


HELPER = "SLOPE = 0.1\n"
FORMS = {
    "a name": ("from mtl.networks.helper import SLOPE\n", "SLOPE"),
    "a name under another": ("from mtl.networks.helper import SLOPE as S\n", "S"),
    "a module": ("from mtl.networks import helper\n", "helper.SLOPE"),
    "a module under another name": ("from mtl.networks import helper as h\n", "h.SLOPE"),
    "inside the function": ("", "SLOPE"),
    "in a try": ("try:\n    from mtl.networks.helper import SLOPE\nexcept ImportError:\n    SLOPE = 1\n", "SLOPE"),
    "in an if": ("if True:\n    from mtl.networks.helper import SLOPE\n", "SLOPE"),
    "by way of a constant": ("from mtl.networks.helper import SLOPE\n\nTWICE = 2 * SLOPE\n", "TWICE"),
    "by way of a base class": ("from mtl.networks.helper import A\n\n\nclass B(A):\n    pass\n", "B()"),
    "by way of a default": ("from mtl.networks.helper import SLOPE\n\n\ndef f(x=SLOPE):\n    return x\n", "f()"),
    "by way of a decorator": ("from mtl.networks.helper import g\n\n\n@g\ndef f():\n    pass\n", "f"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_value_counts_in_whatever_form_it_is_reached(package, form):
    head, use = FORMS[form]
    inside = "    from mtl.networks.helper import SLOPE\n\n" if form == "inside the function" else ""
    (package / "outer.py").write_text(f"{head}\n\ndef outer():\n{inside}    return {use}\n")
    helper = package / "networks/helper.py"
    helper.write_text(HELPER + "\n\nclass A:\n    x = SLOPE\n\n\ndef g(f):\n    return SLOPE\n")
    forget()
    before = module.fingerprint("outer:outer")
    edit(helper, "0.1", "0.2")
    forget()
    assert module.fingerprint("outer:outer") != before


@pytest.mark.parametrize(
    "line",
    [
        "import mtl.networks.conv4",
        "import mtl.networks.conv4 as c",
        "from .networks import conv4",
        "from mtl import networks",
        "from mtl.networks import *",
        "from mtl.networks.conv5 import build",
        "from mtl.networks.conv4 import bild",
    ],
)
@pytest.mark.parametrize("indented", [False, True])
def test_an_import_that_cannot_be_followed_is_one_line(package, line, indented):
    body = f"def outer():\n    {line}\n" if indented else f"{line}\n\n\ndef outer(): ...\n"
    (package / "outer.py").write_text(body)
    forget()
    with pytest.raises(
        UserError, match=rf"outer\.py: line {2 if indented else 1}: the digest of the code cannot follow"
    ):
        module.fingerprint("outer:outer")


EFFECTS = {
    "of a package": ("networks/__init__.py", "import torch\n\ntorch.set_default_dtype(torch.float64)\n"),
    "of the whole package": ("__init__.py", "import torch\n\ntorch.set_default_dtype(torch.float64)\n"),
    "of a module that is imported": ("networks/batch_norm.py", "\ntorch.set_default_dtype(torch.float64)\n"),
    "on an attribute": ("networks/resnet12.py", "\ntorch.backends.cudnn.benchmark = True\n"),
    "on a class": ("networks/resnet12.py", "\nResidualBlock.forward = None\n"),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_effects_of_an_import_count(package, name):
    before = fingerprints()
    file, text = EFFECTS[name]
    with (package / file).open("a", encoding="utf-8") as opened:
        opened.write(text)
    after = fingerprints()
    changed = {name for name in STAGES if before[name] != after[name]}
    assert changed == (set(STAGES) if file == "__init__.py" else RESNET if "resnet" in file else COMPUTING)


def test_a_module_that_is_no_python_is_one_line(package):
    (package / "networks/resnet12.py").write_text("def build(:\n")
    forget()
    with pytest.raises(UserError, match=r"networks/resnet12\.py: line 1: not Python: "):
        module.fingerprint("networks.resnet12:build")


def test_what_is_left_out_exists_and_has_a_reason():
    for name, reason in WITHOUT_EFFECT.items():
        target, _, definition = name.partition(":")
        assert syntax.path_of(target) is not None, name
        assert not definition or definition in module._definitions(target), name
        assert reason


ENTRIES = STAGES["meta_train mtl"]


@pytest.mark.parametrize("version", ["python3.12", "python3.13"])
def test_other_versions_of_python_agree(version):
    """The fingerprint needs nothing but the standard library."""
    code = f"from mtl.runtime.fingerprint import fingerprint; print(fingerprint(*{ENTRIES}))"
    if shutil.which(version) is None or subprocess.run([version, "-c", ""], check=False).returncode:
        pytest.skip(f"there is no {version}")
    done = subprocess.run([version, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == module.fingerprint(*ENTRIES)


@pytest.mark.parametrize(
    ("entry", "message"),
    [("training.nothing:train", "there is no such module"), ("training.pretrain:train", "has no 'train'")],
)
def test_an_entry_that_is_not_there_is_an_error(entry, message):
    with pytest.raises(ValueError, match=message):
        module.fingerprint(entry)
