"""The parts of the page, on data made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtl.experiment.cell import Cell
from mtl.reporting.page.axes import Axis, axis_over
from mtl.reporting.page.claims_view import claim_views, overall
from mtl.reporting.page.closer_look import CloserLook
from mtl.reporting.page.confusion import confusion_rates, confusion_view
from mtl.reporting.page.cost import StageView, duration, took
from mtl.reporting.page.curve_view import curve_view
from mtl.reporting.page.example_episodes import episode_views
from mtl.reporting.page.hard_classes import failures, hard_classes_view
from mtl.reporting.page.inline import below_the_table, html, inline_svg
from mtl.reporting.page.stage_line import HEIGHT, WIDTH, stage_line
from mtl.reporting.page.table_view import short, table_view
from mtl.runtime.errors import UserError
from tests.helpers.measured import Measured, cell
from tests.helpers.table import DATASETS, PLAN


def look_at(predicted, classes, images=True, way=2):
    """Episodes of 3 test classes with 2 images each, after 2 training classes: rows 4 to 9 of `split.csv`."""
    class_of = [name for name in "abCDE" for _ in range(2)]
    classes = np.array(classes)
    support, query = 4 + 2 * classes, np.repeat(5 + 2 * classes, len(predicted[0]) // way, axis=1)
    pixels = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((10, 4, 4, 3), np.uint8)
    return CloserLook(
        cell=Cell("glyphs", "resnet12", 0, "ss-all", way, 1),
        images=pixels if images else None,
        class_of=class_of,
        classes=classes,
        support=support,
        query=query,
        predicted=np.array(predicted, np.uint16),
        test_classes=["C", "D", "E"],
        train_classes=["a", "b"],
    )


def test_an_axis_holds_its_values_and_round_ticks():
    axis = axis_over([19.2, 71.3])
    assert 0 < axis.at(19.2) < axis.at(71.3) < 100
    assert axis.ticks() == [20, 40, 60]
    assert Axis(-3, 7).ticks() == [-2, 0, 2, 4, 6]
    assert axis_over([5.0, float("nan")], least=10) == pytest.approx((-0.4, 10.4))


def test_confusion_is_the_share_of_queries_where_two_classes_met():
    # C and D meet twice, C and E once, D and E never.
    look = look_at([[0, 0, 0, 1], [1, 0, 1, 1], [1, 1, 1, 1]], [[0, 1], [1, 0], [0, 2]])
    rates = confusion_rates(look)
    taken, asked = np.zeros((3, 3)), np.zeros((3, 3))
    for classes, predicted in zip(look.classes, look.predicted, strict=True):
        for place, said in enumerate(predicted):
            true = classes[place // 2]
            taken[true, classes[said]] += 1
            for other in classes:
                asked[true, other] += 1
    assert np.isnan(rates[1, 2])
    assert np.isnan(rates[2, 1])
    assert rates[0, 1] == 0 / 4
    assert rates[1, 0] == 2 / 4
    assert rates[0, 2] == 2 / 2
    assert np.allclose(rates, taken / np.where(asked, asked, np.nan), equal_nan=True)


def test_the_map_names_the_pairs_that_are_confused_most():
    view = confusion_view(look_at([[0, 0, 0, 1], [1, 0, 1, 1], [1, 1, 1, 1]], [[0, 1], [1, 0], [0, 2]]))
    assert [(pair.taken, pair.by, pair.rate) for pair in view.pairs] == [(0, 2, 100.0), (1, 0, 50.0)]
    assert view.classes[1].rates == [50.0, 50.0, None]
    assert view.left_out == 0
    assert all(one.picture.startswith("data:image/png;base64,") for one in view.classes)


def test_episodes_are_the_worst_the_median_and_the_best():
    look = look_at([[0, 1], [1, 0], [0, 0]], [[0, 1], [1, 2], [0, 2]])
    views = episode_views(look)
    assert [(view.which, view.number, view.right, view.asked) for view in views] == [
        ("the worst", 1, 0, 2),
        ("the median", 2, 1, 2),
        ("the best", 0, 2, 2),
    ]
    assert [query.taken_for for shown in views[1].classes for query in shown.queries] == [None, 1]
    assert [shown.name for shown in views[1].classes] == ["C", "E"]
    assert episode_views(look_at([[0, 1]], [[0, 1]], images=False)) == []


def write_history(path, failed):
    rows = [
        {"iteration": i, "tasks_seen": 2 * i, "validation_accuracy": 50.0, "failed": f} for i, f in enumerate(failed)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_failures_are_read_whether_there_are_two_or_one(tmp_path):
    assert failures(write_history(tmp_path / "two.csv", ["1 0", None, "1 1"])) == [(0, [1, 0]), (2, [1, 1])]
    # Then pandas takes the column for one of numbers.
    assert failures(write_history(tmp_path / "one.csv", [1, None, 0])) == [(0, [1]), (2, [0])]
    old = write_history(tmp_path / "old.csv", [None, None])
    pd.read_csv(old).drop(columns="failed").to_csv(old, index=False)
    assert failures(old) == []


def test_classes_that_fail_are_counted_by_period(tmp_path):
    look = look_at([[0, 1]], [[0, 1]])
    view = hard_classes_view(look, write_history(tmp_path / "h.csv", ["1 0", "1 1", None, "1 0"]))
    assert [(one.name, one.times) for one in view.classes] == [("b", [1, 2, 0, 1]), ("a", [1, 0, 0, 1])]
    assert view.classes[0].shades == [0.5, 1.0, 0.0, 0.5]
    assert view.starts == [0, 1, 2, 3]
    assert hard_classes_view(look, write_history(tmp_path / "none.csv", [None])) is None


def test_the_curve_marks_the_chosen_model(tmp_path):
    measured = Measured(tmp_path)
    for seed, accuracies in enumerate(([20.0, 40.0, 30.0], [20.0, 30.0, 50.0])):
        measured.history(cell("a", seed=seed), accuracies)
    paths = {seed: tmp_path / cell("a", seed=seed).folder / "history.csv" for seed in (0, 1)}
    view = curve_view(paths, {0: 10, 1: 20})
    points = [[tuple(map(float, point.split(","))) for point in line.points.split()] for line in view.lines]
    assert [line.chosen for line in view.lines] == [points[0][1], points[1][2]]
    # Upwards is up: the highest accuracy has the smallest y.
    assert min(y for line in points for _, y in line) == points[1][2][1]
    assert curve_view({}, {}) is None


def test_a_figure_keeps_its_names_to_itself(tmp_path):
    path = tmp_path / "figure4.svg"
    path.write_text(
        '<?xml version="1.0"?><svg viewBox="0 0 90 30"><metadata><a/></metadata><defs><path id="m1"/></defs>'
        '<use xlink:href="#m1"/><g clip-path="url(#p2)"/></svg>'
    )
    svg = str(inline_svg(path, 'a "title"'))
    assert 'id="figure4-m1"' in svg
    assert 'xlink:href="#figure4-m1"' in svg
    assert "url(#figure4-p2)" in svg
    assert 'aria-label="a &#34;title&#34;"' in svg
    assert "metadata" not in svg
    path.write_text("no picture")
    with pytest.raises(UserError, match=r"figure4\.svg: is no SVG"):
        inline_svg(path, "")


def test_reports_in_markdown_become_elements():
    page = "# Rates\n\n## glyphs\n\n| a | b |\n|---|---:|\n| `x` | **1** <script> |\n"
    body = str(html(page))
    assert "Rates" not in body
    assert "<h3>glyphs</h3>" in body
    assert '<td class="right"><strong>1</strong> &lt;script&gt;</td>' in body
    assert 'class="wide"' in body


def test_what_stands_below_a_table_is_taken_over():
    page = "# T\n\n**note**\n\n| a |\n|---|\n| 1 |\n\nAccuracy.\n\n[1] other-scale (9 px)\n\nVerdicts.\n\n## Models\n"
    assert below_the_table(page) == "Accuracy.\n\nVerdicts."


def test_stages_stand_in_one_line_and_arrows_end_at_boxes():
    names = ["split", "prepare", "episodes", "pretrain", "meta-train", "evaluate", "curve", "report"]
    line = stage_line([StageView(name, 2, 0, 0, 0, 0) for name in names])
    assert [box.stage.name for box in line.boxes if box.y == 1] == [
        "split", "prepare", "pretrain", "meta-train", "evaluate", "report",
    ]  # fmt: skip
    assert len(line.arrows) == 5 + 4
    assert all(box.x + WIDTH <= line.width and box.y + HEIGHT <= line.height for box in line.boxes)
    assert len(stage_line([StageView("evaluate", 1, 0, 0, 0, 0)]).boxes) == 1


def test_what_a_job_took_is_read_from_its_last_line(tmp_path):
    path = tmp_path / "evaluate.jsonl"
    path.write_text('{"s": 1.0, "max_rss": 5}\n{"s": 3.5, "max_rss": null}\n')
    assert took(path) == (3.5, 0.0)
    assert took(tmp_path / "none.jsonl") is None
    assert [duration(seconds) for seconds in (45, 720, 12240)] == ["45 s", "12 min", "3.4 h"]


def tabled(tmp_path, published, results):
    from json import dumps

    from mtl.reporting.tables import write_table

    write_table(dumps(PLAN), published, results, tmp_path / "logs", tmp_path / "t.csv", tmp_path / "t.md")
    return table_view("table1", "Table 1", tmp_path / "t.csv", {"datasets": DATASETS})


def test_a_table_has_the_numbers_and_verdicts_of_the_report(tmp_path, published, results):
    table = tabled(tmp_path, published, results)
    assert table.columns == ["miniImageNet 1-shot", "miniImageNet 5-shot"]
    assert [(row.group, row.label) for row in table.rows] == [
        ("metric", "ProtoNets"), ("SS", "SS [Θ;θ]"), ("controls", "linear"),
    ]  # fmt: skip
    quoted, judged, missing = (table.rows[row].numbers[column] for row, column in ((0, 0), (1, 0), (2, 1)))
    assert (quoted.verdict, quoted.published, quoted.at) == ("quoted", "49.40 ± 0.80", None)
    assert (judged.accuracy, judged.published, judged.delta) == ("61.00", "60.00 ± 1.80", "+1.00")
    assert judged.low < judged.at < judged.high
    assert judged.published_at < judged.at
    assert (missing.verdict, missing.accuracy) == ("not-run", "")
    assert judged.anchor == "miniimagenet-resnet12-ss-all-5way-1shot"


def test_a_verdict_with_reasons_is_not_judged():
    assert short("other-scale (48 px); other-protocol (x)") == ("not-judged", "other-scale (48 px); other-protocol (x)")
    assert short("agrees") == ("agrees", "")


def test_the_forest_has_the_effects_and_intervals_of_the_claims(tmp_path):
    measured = Measured(tmp_path)
    for seed, effect in enumerate((2.0, 2.1, 2.3)):
        measured.accuracies(cell("a", seed=seed), np.array([50.0, 52.0]) + effect)
        measured.accuracies(cell("b", seed=seed), np.array([50.0, 51.0]))
    plan = measured.plan(("a", "b"), ratio=None) | {"backbones": {"resnet12": "ResNet-12"}}
    tidy = measured.tested(("a", "b"))
    (view,) = claim_views(plan["claims"], tidy, plan)
    (line,) = view.lines
    assert (view.verdict, line.verdict, line.pair, line.where) == ("confirmed", "confirmed", "A vs. B", "glyphs 1-shot")
    assert line.effect == f"+{tidy['effect'][0]:.2f}"
    assert line.over_seeds == f"± {tidy['ci95_seeds'][0]:.2f}"
    assert view.neutral < line.seeds[0] < line.at < line.seeds[1]


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["confirmed", "confirmed"], "confirmed"),
        (["confirmed", "refuted"], "refuted"),
        (["confirmed", "inconclusive"], "mixed"),
        (["one-seed", "one-seed", "before-training"], "one-seed"),
    ],
)
def test_what_a_claims_comparisons_come_to(verdicts, said):
    assert overall(pd.Series(verdicts)) == said


def test_templates_are_small():
    folder = Path(table_view.__globals__["__file__"]).parent
    long = {path.name: len(path.read_text().splitlines()) for path in folder.rglob("*.*") if path.suffix != ".pyc"}
    assert {name: lines for name, lines in long.items() if lines > 280} == {}
