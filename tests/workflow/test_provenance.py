"""The chain from the images to a number: what `mtl verify` finds and `mtl explain` tells."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from mtl.reporting import manifest as manifest_module
from mtl.reporting.explain import explained
from mtl.reporting.manifest import problems_of
from mtl.reporting.show_cell import shown
from mtl.reporting.verify import verify
from mtl.runtime.errors import UserError
from mtl.runtime.files import sha256
from tests.helpers.project import CELL, edit, planned, snakemake

HARD = CELL.format("ss-all-ht", 1)
CHAIN = [
    "resources/glyphs/split.csv",
    "resources/glyphs/16px/images.npy",
    "resources/glyphs/16px/samples.png",
    "resources/glyphs/16px/summary.json",
    "results/glyphs/episodes/seed0/val-5way-1shot-2query.npz",
    "results/glyphs/episodes/seed0/test-5way-1shot-2query.npz",
    "results/glyphs/resnet12/seed0/pretrain/model.safetensors",
    "results/glyphs/resnet12/seed0/pretrain/history.csv",
    f"{HARD}/model.safetensors",
    f"{HARD}/snapshots.safetensors",
    f"{HARD}/history.csv",
    f"{HARD}/episodes.csv",
    f"{HARD}/predictions.npz",
    f"{HARD}/curve.csv",
    f"{HARD}/training.json",
    f"{HARD}/evaluation.json",
    "results/table1.csv",
    "results/table1.md",
    "results/claims.csv",
    "results/figures/figure4.csv",
    "results/figures/figure4.png",
    "results/figures/scales-and-shifts.svg",
]


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_manifest_lists_every_file(finished):
    listed = json.loads((finished / "results/manifest.json").read_text())["files"]
    there = {str(path.relative_to(finished)) for path in (finished / "results").rglob("*") if path.is_file()}
    hidden = {path for path in there if any(part.startswith(".") for part in Path(path).parts)}
    assert there - hidden - set(listed) == {"results/manifest.json", "results/report.html"}
    assert set(CHAIN) <= set(listed)


def test_nothing_is_wrong_with_a_finished_project(finished, monkeypatch):
    monkeypatch.chdir(finished)
    assert list(problems_of(Path("results"))) == []


@pytest.mark.parametrize("name", CHAIN)
def test_one_flipped_byte_is_found(project, monkeypatch, name):
    monkeypatch.chdir(project)
    flip(project / name)
    problems = list(problems_of(Path("results")))
    assert (Path(name), "changed since the manifest was written") in problems
    # The records of what was made from it, and of the stage that wrote it, say so too.
    assert all(path == Path(name) or Path(name).name in problem for path, problem in problems)


def test_a_damaged_file_that_was_listed_anew_is_found(project, monkeypatch):
    """This happens when `snakemake` goes on from a damaged file; its record still says what was written."""
    monkeypatch.chdir(project)
    flip(project / f"{HARD}/model.safetensors")
    manifest = Path("results/manifest.json")
    content = json.loads(manifest.read_text())
    content["files"][f"{HARD}/model.safetensors"] = sha256(Path(HARD, "model.safetensors"))
    manifest.write_text(json.dumps(content))
    assert list(problems_of(Path("results"))) == [
        (Path(HARD, "evaluation.json"), f"stale: {HARD}/model.safetensors (its model) has been replaced since"),
        (Path(HARD, "training.json"), "stale: model.safetensors is not what it says was written"),
    ]


def test_a_copy_is_not_verified_by_the_original(project, monkeypatch):
    monkeypatch.chdir(project)
    shutil.copytree("results", "copy")
    with pytest.raises(UserError, match=r"copy/manifest\.json: is the manifest of results; verify that"):
        verify(Path("copy"))


def test_a_missing_file_is_found(project, monkeypatch):
    monkeypatch.chdir(project)
    (project / f"{HARD}/history.csv").unlink()
    problems = list(problems_of(Path("results")))
    assert (Path(HARD, "history.csv"), "missing") in problems
    assert all("history.csv" in f"{path}{problem}" for path, problem in problems)


def test_what_was_made_by_other_code_is_stale(project, monkeypatch):
    monkeypatch.chdir(project)
    of_now = manifest_module.fingerprint
    monkeypatch.setattr(
        manifest_module,
        "fingerprint",
        lambda *entries: "other" if "learners.fomaml:build" in entries else of_now(*entries),
    )
    cell = Path("results/glyphs/conv4/seed0/fomaml/5way-1shot")
    records, reason = [cell / "evaluation.json", cell / "training.json"], "stale: the code has changed since"
    assert list(problems_of(Path("results"))) == [(record, reason) for record in records]


def test_a_module_that_is_gone_makes_stale(project, monkeypatch):
    monkeypatch.chdir(project)
    record, manifest = Path(HARD, "training.json"), Path("results/manifest.json")
    record.write_text(record.read_text().replace('"learners.meta_transfer:build"', '"learners.gone:build"'))
    content = json.loads(manifest.read_text())
    content["files"][str(record)] = sha256(record)
    manifest.write_text(json.dumps(content))
    assert list(problems_of(Path("results"))) == [(record, "stale: the code has changed since")]


def test_the_advice_mends_what_was_changed(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    flip(Path(HARD, "model.safetensors"))
    with pytest.raises(UserError, match="problems, listed above: "):
        verify(Path("results"))
    advice = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("to make them again: "))
    subprocess.run(["bash", "-ec", advice.removeprefix("to make them again: ")], check=True)
    assert list(problems_of(Path("results"))) == []


def lose_records(project):
    """Other settings, and Snakemake does not know."""
    shutil.rmtree(project / ".snakemake")
    edit(project / "config/config.yaml", lambda config: config["meta_train"].update(iterations=39))
    edit(project / "config/config.yaml", lambda config: config.update(methods=["linear", "ss-all"], grids=[{}]))


def seed_the_glyphs(project):
    shutil.rmtree(project / ".snakemake")
    edit(project / "config/datasets.yaml", lambda datasets: datasets["glyphs"].update(seed=7))
    edit(project / "config/config.yaml", lambda config: config.update(methods=["linear"], grids=[{}], shots=[1]))


def remove_resources(project):
    shutil.rmtree(project / "resources")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lose_records,
            f"{CELL.format('ss-all', 5)}/training.json: stale: made with other settings than the config asks "
            "(meta_train.iterations 26, asked 39)",
        ),
        (
            seed_the_glyphs,
            "resources/glyphs/16px/summary.json: stale: made with other settings than the config asks "
            "(seed 0, asked 7)",
        ),
        (remove_resources, f"{HARD}/evaluation.json: stale: resources/glyphs/16px/images.npy (its images) is missing"),
    ],
)
def test_what_differs_from_the_config_is_said_and_the_advice_mends_it(project, monkeypatch, capsys, change, said):
    monkeypatch.chdir(project)
    change(project)
    with pytest.raises(UserError, match="problems, listed above: "):
        verify(Path("results"))
    out = capsys.readouterr().out
    assert f"{said}\n" in out
    line = next(line for line in out.splitlines() if line.startswith("to make them again: "))
    subprocess.run(["bash", "-ec", line.removeprefix("to make them again: ")], check=True)
    verify(Path("results"))
    assert "all files are as it lists them, and as the config asks" in capsys.readouterr().out


def test_results_without_their_config_are_verified_by_themselves(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    shutil.rmtree("config")
    verify(Path("results"))
    assert capsys.readouterr().out.startswith(
        "note: not compared with the config: config/config.yaml: No such file or directory\n"
    )


def test_an_experiment_of_several_files_is_made_again_from_them(project, monkeypatch):
    """In their order, because later ones win."""
    monkeypatch.chdir(project)
    Path("first.yaml").write_text("note: first\nmethods: [linear]\n")
    Path("second.yaml").write_text("note: second\n")
    files = ["--configfile", "first.yaml", "second.yaml"]
    code, output = snakemake(project, "results/manifest.json", *files, "--config", "data=some where")
    assert code == 0, output
    last = list(explained(Path(CELL.format("linear", 1))))[-1]
    assert last.endswith("/evaluation.json --configfile first.yaml second.yaml --config 'data=some where'")
    code, output = snakemake(project, "-n", *shlex.split(last.partition("--cores 2 ")[2]))
    assert code == 0, output
    verify(Path("results"))
    Path("second.yaml").write_text("note: second\nwidth: 64\n")
    with pytest.raises(UserError, match="problems, listed above: "):
        verify(Path("results"))


def test_a_number_is_explained_from_the_images_on(finished, monkeypatch):
    monkeypatch.chdir(finished)
    lines = list(explained(Path(HARD)))
    told = "\n".join(lines)
    evaluation = json.loads(Path(HARD, "evaluation.json").read_text())
    assert lines[0].startswith(f"{evaluation['accuracy']:.2f} ± {evaluation['ci95']:.2f} % over 8 test episodes")
    for entry in evaluation["provenance"]["inputs"].values():
        assert f"{entry['sha256'][:16]} {entry['path']}\n" in told
    assert "meta-trained at commit" in told
    assert "meta_train.iterations 26" in told
    assert "network.width 2" in told
    assert "pre-trained at commit" in told
    assert list(explained(Path(HARD, "evaluation.json"))) == lines
    assert list(explained(Path(HARD).resolve())) == lines


@pytest.mark.parametrize("method", ["linear", "ss-all"])
def test_the_command_that_makes_a_cell_again_makes_its_stages_and_no_others(project, monkeypatch, method):
    monkeypatch.chdir(project)
    last = list(explained(Path(CELL.format(method, 1))))[-1]
    remove, _, build = last.removeprefix("to make it again: ").partition("; ")
    subprocess.run(shlex.split(remove), check=True)
    trained = ["meta-training ss-all on glyphs, 5-way 1-shot"] if method == "ss-all" else []
    evaluated = [f"evaluating {method} on glyphs, 5-way 1-shot"]
    assert planned(project, *shlex.split(build.partition("--cores 2 ")[2])) == [*evaluated, *trained]


def test_show_knows_cost_and_command_of_its_experiment(project, monkeypatch):
    monkeypatch.chdir(project)
    again = list(explained(Path(HARD)))[-1]
    for manifest in (True, False):
        lines = list(shown(Path(HARD), 80))
        assert lines[-2:] == ["", again]
        cost = " ".join(lines).partition("cost ")[2]
        assert " ".join(cost.split()).startswith("pre-training (shared) ")
        assert "meta-training" in cost.partition("by the clock")[0]
        if manifest:
            Path("results/manifest.json").unlink()
    Path(HARD, "evaluation.json").unlink()
    Path("logs", HARD.removeprefix("results/"), "evaluate.log").write_text("[x]\nmtl: error: the disk is full\n")
    told = " ".join("\n".join(shown(Path(HARD), 80)).split())
    assert "error the disk is full" in told


def test_what_was_replaced_since_is_said(project, monkeypatch):
    monkeypatch.chdir(project)
    flip(Path("results/glyphs/resnet12/seed0/pretrain/model.safetensors"))
    told = [line for line in explained(Path(HARD)) if "which says something else now" in line]
    assert len(told) == 2
    assert all("from pretrained" in line for line in told)
