"""How far the whole run is: a line after each cell."""

import re

from tests.helpers.project import CELL, planned, snakemake

CELLS = [CELL.format(method, shot) for method in ("linear", "update-head") for shot in (1, 5)]


def said(output):
    return re.findall(r"^(\d+ of \d+ cells finished.*)$", output, flags=re.MULTILINE)


def test_a_line_after_each_cell_says_how_many_are_finished(project):
    for cell in CELLS:
        (project / cell / "evaluation.json").unlink()
    targets = [f"{cell}/evaluation.json" for cell in CELLS]
    code, output = snakemake(project, *targets)
    assert code == 0, output
    counts = [line.partition(" cells")[0] for line in said(output)]
    assert counts == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    # Only evaluations were left, so one of them is enough to estimate the others. Later lines have no estimate if the
    # jobs that still run take longer than those before them.
    assert re.fullmatch(r".* finished, .+ left", said(output)[0])
    assert all(re.fullmatch(r".* finished(, .+ left)?", line) for line in said(output)[1:-1])
    assert said(output)[-1] == "4 of 4 cells finished"
    assert planned(project, *targets) == []
    # Its lines are in Snakemake's own log, too.
    log = max((project / ".snakemake/log").iterdir(), key=lambda path: path.stat().st_mtime)
    assert len(said(log.read_text())) == 4


def test_a_single_cell_needs_no_count(project):
    (project / CELLS[0] / "evaluation.json").unlink()
    code, output = snakemake(project, f"{CELLS[0]}/evaluation.json")
    assert code == 0, output
    assert said(output) == []


def test_quiet_is_quiet(project):
    for cell in CELLS[:2]:
        (project / cell / "evaluation.json").unlink()
    code, output = snakemake(project, *(f"{cell}/evaluation.json" for cell in CELLS[:2]), "--quiet", "progress")
    assert code == 0, output
    assert said(output) == []
