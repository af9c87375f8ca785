"""`mtl plan` on a real project."""

import re

from tests.helpers.project import run


def test_a_finished_project_costs_nothing(project):
    assert run(project, "mtl plan") == (0, "nothing to be done\n")


def test_what_is_missing_is_measured_and_nothing_is_run(project):
    cell = project / "results/glyphs/resnet12/seed0/ss-all/5way-1shot"
    for file in cell.glob("*"):
        file.unlink()
    code, output = run(project, "mtl plan --cores 2")
    assert code == 0, output
    assert re.search(r"^ +1 .* meta-train ss-all, 5-way 1-shot, resnet12, glyphs$", output, re.MULTILINE), output
    assert re.search(
        r"^\d+ jobs, [\d.]+ core-hours, 0\.00 GPU-hours: by the clock about .* on 2 cores; ", output, re.MULTILINE
    )
    assert "not measured" in output
    assert not list(cell.glob("*"))


def test_a_target_and_a_config(project):
    (project / "two.yaml").write_text("seeds: [0, 1]\n")
    target = "results/glyphs/resnet12/seed1/linear/5way-1shot/evaluation.json"
    code, output = run(project, f"mtl plan {target} --configfile two.yaml")
    assert code == 0, output
    assert "pretrain resnet12, glyphs" in output
    assert "evaluate linear, 5-way 1-shot" in output
    assert "meta-train" not in output


def test_a_wrong_target_is_what_snakemake_says(project):
    code, output = run(project, "mtl plan results/nothing.csv")
    assert code == 1
    assert "snakemake --dry-run refuses" in output
    assert "MissingRuleException" in output
