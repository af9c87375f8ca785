"""The table of decisions: numbers by hand, and the page as a whole."""

import json
from math import sqrt

import pandas as pd
import pytest

from mtl.reporting.decisions_table import write_decisions
from mtl.runtime.errors import UserError
from tests.helpers.measured import Measured, cell

# Student's t at 0.975 with 2 degrees of freedom.
T = 4.302652729911275
DATASETS = {"glyphs": {"title": "glyphs", "note": "not the paper's data"}}


def entry(decision, label, pairs, shared=False, changes=(("key", "1", "2"),)):
    return {
        "decision": decision, "label": label, "base": "SS", "variant": f"a-{decision}", "changes": changes,
        "pretrained": True, "shared_model": shared, "pairs": [[one.folder for one in pair] for pair in pairs],
        "trained_in": [pair[0 if shared else 1].folder for pair in pairs],
    }  # fmt: skip


def written(folder, lines, without_effect=(), **more):
    plan = {"title": "Decisions", "note": "", "datasets": DATASETS, "lines": lines, "without_effect": without_effect}
    files = [folder / f"d.{suffix}" for suffix in ("csv", "md", "png", "svg")]
    write_decisions(json.dumps({**plan, **more}), folder, *files[:2], files[2:])
    return pd.read_csv(files[0], keep_default_na=False, na_values=[""]).set_index("decision"), files[1]


@pytest.fixture
def trio(tmp_path):
    made = Measured(tmp_path)
    made.accuracies(cell("a"), [50.0, 60.0, 70.0])
    made.accuracies(cell("a-zero"), [53.0, 60.0, 76.0])
    made.accuracies(cell("a-flip"), [50.0, 58.0, 70.0], device="cuda")
    return tmp_path


PAGE = """# Decisions

**not the paper's data**

Each line changes one thing of SS, from the same Θ, with everything else as it is.

| decision | method | changes | without | with | difference | shared |
|---|---:|---:|---:|---:|---:|---:|
| from zero | `a-zero` | key: 1 → 2 | 60.00 | 63.00 | +3.00 ± 3.39 | Θ |
| mirrored | `a-flip` | flip: no → yes; x: 1 → 2 | 60.00 | 59.33 | -0.67 ± 1.31 (devices or precisions differ) \
| Θ and trained model |

Accuracy in percent, glyphs 1-shot.

Difference: mean over 3 test episodes, the same for both models, ± the 95 % interval 1.96 s/√n of the differences. It \
is about these two models; how much another seed changes is not in it.

Shared: what the changed cell takes from the unchanged one. If the trained model is shared, the decision is only about \
the test.

So in this experiment anyway, and therefore not run: a mean; a sum.
"""


def test_the_episodes_of_one_seed_are_compared_in_pairs(trio):
    zero = entry("zero", "from zero", [(cell("a"), cell("a-zero"))])
    changes = (("flip", "no", "yes"), ("x", "1", "2"))
    flip = entry("flip", "mirrored", [(cell("a"), cell("a-flip"))], shared=True, changes=changes)
    table, page = written(trio, [zero, flip], ["a mean", "a sum"])
    # The differences are 3, 0, 6, and 0, -2, 0.
    assert table["difference"].tolist() == pytest.approx([3, -2 / 3], abs=1e-4)
    assert table["ci95"].tolist() == pytest.approx([1.96 * 3 / sqrt(3), 1.96 * sqrt(4 / 3) / sqrt(3)], abs=1e-4)
    assert table["base_accuracy"].tolist() == [60, 60]
    assert table["over"].tolist() == ["episodes", "episodes"]
    assert table["count"].tolist() == [3, 3]
    assert table.loc["zero", "variant"] == "a-zero"
    assert page.read_text(encoding="utf-8") == PAGE


def test_of_several_seeds_each_is_one_difference(tmp_path):
    made = Measured(tmp_path)
    for seed, gain in enumerate((1, 2, 6)):
        made.accuracies(cell("a", seed=seed), [50.0, 60.0])
        made.accuracies(cell("a-zero", seed=seed), [50.0 + gain, 60.0 + gain])
    pairs = [(cell("a", seed=seed), cell("a-zero", seed=seed)) for seed in range(3)]
    table, page = written(tmp_path, [entry("zero", "from zero", pairs)])
    line = table.loc["zero"]
    assert (line["base_accuracy"], line["accuracy"], line["difference"]) == (55, 58, 3)
    # 1, 2, 6 have the mean 3 and the variance (4 + 1 + 9) / 2.
    assert line["ci95"] == pytest.approx(T * sqrt(7 / 3), abs=1e-4)
    assert (line["over"], line["count"]) == ("seeds", 3)
    assert "Difference: mean over 3 seeds, each over the same" in page.read_text(encoding="utf-8")


def test_several_places_are_named_and_keep_the_order_of_the_file(tmp_path):
    made = Measured(tmp_path)
    pairs = [(cell("a", shot), cell(f"a-{name}", shot)) for name in ("z", "b") for shot in (1, 5)]
    for one in dict.fromkeys(one for pair in pairs for one in pair):
        made.accuracies(one, [50.0, 60.0])
    lines = [entry(pair[1].method[2:], pair[1].method, [pair]) for pair in pairs]
    table, page = written(tmp_path, lines)
    assert table.index.tolist() == ["z", "z", "b", "b"]
    assert "| a-z | glyphs 5-shot | `a-z` | key: 1 → 2 | 55.00 | 55.00 | +0.00 ± 0.00 | Θ |" in page.read_text(
        encoding="utf-8"
    )


def test_a_line_whose_training_is_stale_has_no_difference(trio):
    trained = trio / cell("b").folder
    trained.mkdir(parents=True)
    (trained / "training.json").write_text(json.dumps({"provenance": {"spec": {"a": 1}}}))
    line = {**entry("zero", "from zero", [(cell("a"), cell("a-zero"))]), "trained_in": [cell("b").folder]}
    table, page = written(trio, [line], asked={cell("b").folder: {"meta_train": "0"}})
    assert pd.isna(table.loc["zero", "difference"])
    assert "| from zero | `a-zero` | key: 1 → 2 | – | – | stale | Θ |" in page.read_text(encoding="utf-8")


def test_an_experiment_without_the_base_is_one_line(tmp_path):
    with pytest.raises(UserError, match="the experiment has no such cells; add them to its methods and shots"):
        written(tmp_path, [])
