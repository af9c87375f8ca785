"""An edit of the code reruns what the edited lines made, and nothing else."""

import re
import shutil

import pytest

from tests.helpers.learners import ROOT
from tests.helpers.project import snakemake

META_TRAINED = ["ft-all", "ft-all-ht", "ft-head", "ft-last", "ss-all", "ss-all-ht", "ss-all-ht-random", "ss-last"]
MAML = ["fomaml", "maml", "maml-ht"]
UNTRAINED = ["linear", "update-all", "update-head"]
REPORTS = {"building table1", "testing the claims", "listing all files with their checksums"}
FIGURES = {"drawing figure4", "drawing scales-and-shifts"}


def cells(stage, methods):
    shots = {method: (1,) if method in MAML else (1, 5) for method in methods}
    return {f"{stage} {method} on glyphs, 5-way {shot}-shot" for method in methods for shot in shots[method]}


CURVES = {f"{job}, snapshots" for job in cells("evaluating", ["ss-all", "ss-all-ht"])}
EVERY_EVALUATION = cells("evaluating", [*META_TRAINED, *MAML, *UNTRAINED])


def edited(file, old, new):
    def change(package):
        text = (package / file).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (package / file).write_text(text.replace(old, new), encoding="utf-8")

    return change


def with_a_learner(package):
    (package / "learners/protonet.py").write_text('"""Another family."""\n\n\ndef build(parts): ...\n')


CHANGES = {
    "a comment": (edited("training/meta_train.py", "loss.backward()", "loss.backward()  # all of it"), set()),
    "a docstring": (edited("learners/maml.py", '"""The learner of a method', '"""A learner of a method'), set()),
    "a new learner": (with_a_learner, set()),
    "a line of the meta-training loop": (
        edited("training/meta_train.py", "loss.backward()", "(2 * loss).backward()"),
        cells("meta-training", [*META_TRAINED, *MAML])
        | cells("evaluating", [*META_TRAINED, *MAML]) | CURVES | REPORTS | FIGURES,
    ),
    "a line of one learner": (
        edited("learners/fomaml.py", "second_order=False", "second_order=bool(0)"),
        # No claim is about it.
        cells("meta-training", ["fomaml"]) | cells("evaluating", ["fomaml"]) | REPORTS - {"testing the claims"},
    ),
    "a line of the evaluation": (
        edited("evaluation/evaluate.py", "min(spec.test_steps)", "max(spec.test_steps)"),
        EVERY_EVALUATION | CURVES | REPORTS | {"drawing figure4"},
    ),
    "a caption of a figure": (
        edited("reporting/scale_shift.py", '"scale Φ1"', '"scales Φ1"'),
        {"drawing scales-and-shifts", "listing all files with their checksums"},
    ),
    "a line of the tables": (
        edited("reporting/tables.py", "sum(map(len, there))", "sum(map(len, there), 0)"),
        {"building table1", "listing all files with their checksums"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_an_edit_reruns_what_it_made(project, name):
    change, expected = CHANGES[name]
    # Python looks for modules in the folder it is started in first.
    package = shutil.copytree(ROOT / "mtl", project / "mtl", ignore=shutil.ignore_patterns("__pycache__"))
    change(package)
    code, output = snakemake(project, "-n")
    assert code == 0, output
    assert set(re.findall(r"^Job \d+: (.*)$", output, flags=re.MULTILINE)) == expected
