"""An edit of the code reruns what the edited lines made; an addition reruns nothing."""

import pytest

from tests.helpers.learners import ROOT
from tests.helpers.project import edit, planned, with_package

META_TRAINED = ["ft-all", "ft-all-ht", "ft-head", "ft-last", "ss-all", "ss-all-ht", "ss-all-ht-random", "ss-last"]
MAML = ["fomaml", "maml", "maml-ht"]
UNTRAINED = ["linear", "update-all", "update-head"]
LAST = {"putting everything on one page", "listing all files with their checksums"}
REPORTS = {"building table1", "testing the claims"} | LAST
FIGURES = {"drawing figure4", "drawing scales-and-shifts", "drawing tasks-seen"}


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


CHANGES = {
    "a comment": (edited("training/meta_step.py", "loss.backward()", "loss.backward()  # all of it"), set()),
    "a docstring": (edited("learners/maml.py", '"""The learner of a method', '"""A learner of a method'), set()),
    "a line of the meta-training loop": (
        edited("training/meta_step.py", "loss.backward()", "(2 * loss).backward()"),
        cells("meta-training", [*META_TRAINED, *MAML])
        | cells("evaluating", [*META_TRAINED, *MAML]) | CURVES | REPORTS | FIGURES,
    ),
    "a line of one learner": (
        edited("learners/fomaml.py", "second_order=False", "second_order=bool(0)"),
        # No claim is about it.
        cells("meta-training", ["fomaml"]) | cells("evaluating", ["fomaml"])
        | REPORTS - {"testing the claims"} | {"drawing tasks-seen"},
    ),
    "a line of the evaluation": (
        edited("evaluation/evaluate.py", "min(spec.base_learner.test_steps)", "max(spec.base_learner.test_steps)"),
        EVERY_EVALUATION | CURVES | REPORTS | {"drawing figure4"},
    ),
    "a caption of a figure": (
        edited("reporting/figures/scales_and_shifts.py", '"scale Φ1"', '"scales Φ1"'),
        {"drawing scales-and-shifts"} | LAST,
    ),
    "a line of the tables": (
        edited("reporting/tables.py", "sum(map(len, there))", "sum(map(len, there), 0)"),
        {"building table1"} | LAST,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_an_edit_reruns_what_it_made(project, name):
    change, expected = CHANGES[name]
    change(with_package(project))
    assert set(planned(project)) == expected


LEARNER = "KEYS = ()\nINNER_STEPS = False\n\n\ndef build(setup): ...\n"
BACKBONE = 'LABEL = "6CONV"\n\n\ndef build(width, dropout=0.0): ...\n'
FIGURE = (
    'FILES = ("episodes.csv",)\nPUBLISHED = "tables"\nLABELS = False\n\n\n'
    "def write(plan_text, published, results, csv, pictures): ...\n"
)
ADDITIONS = {
    "a learner": {"learners/protonet.py": LEARNER},
    "a backbone": {"networks/conv6.py": BACKBONE},
    "an optimiser of pre-training": {"training/optimizers/lion.py": "def build(settings, network): ...\n"},
    "a form of archive": {"data/archives/lmdb.py": "def read(files, wanted): ...\n"},
    "a figure": {"reporting/figures/violin.py": FIGURE},
    "an unused helper in every module of runtime": {
        f"runtime/{path.name}": "\n\ndef unused(x):\n    return x\n" for path in (ROOT / "mtl/runtime").glob("*.py")
    },
}


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_reruns_nothing(project, name):
    package = with_package(project)
    for file, text in ADDITIONS[name].items():
        with (package / file).open("a", encoding="utf-8") as opened:
            opened.write(text)
    assert planned(project) == []


def test_a_new_option_reruns_nothing_until_it_has_another_value(project):
    package = with_package(project)
    option = '    smoothing: float = key("Label smoothing.", ge=0, default=0.0)\n'
    edited("specs/meta_training.py", '    tasks: int = key("Tasks per', f'{option}    tasks: int = key("Tasks per')(
        package
    )
    assert planned(project) == []
    edit(project / "config/config.yaml", lambda config: config["meta_train"].update(smoothing=0.0))
    assert planned(project) == []
    edit(project / "config/config.yaml", lambda config: config["meta_train"].update(smoothing=0.1))
    trained = [*META_TRAINED, *MAML]
    expected = cells("meta-training", trained) | cells("evaluating", trained) | CURVES | REPORTS | FIGURES
    assert set(planned(project)) == expected


def test_a_new_figure_is_drawn_where_the_tables_list_it(project):
    package = with_package(project)
    (package / "reporting/figures/violin.py").write_text(FIGURE)
    edit(project / "config/tables.yaml", lambda tables: tables["figures"].update(violin={"title": "Violins"}))
    assert set(planned(project)) == {"drawing violin"} | LAST
