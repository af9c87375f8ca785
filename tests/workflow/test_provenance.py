"""The chain from the images to a number: what `mtl verify` finds and `mtl explain` tells."""

import json
from pathlib import Path

import pytest

from mtl.reporting.explain import explained
from mtl.reporting.manifest import verified
from tests.workflow.conftest import CELL

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
    f"{HARD}/curve.csv",
    f"{HARD}/training.json",
    f"{HARD}/evaluation.json",
    "results/table1.csv",
    "results/table1.md",
    "results/claims.csv",
    "results/figures/figure4.csv",
    "results/figures/figure4.png",
    "results/figures/scale-shift.svg",
]


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_manifest_lists_every_file(finished):
    listed = json.loads((finished / "results/manifest.json").read_text())["files"]
    there = {str(path.relative_to(finished)) for path in (finished / "results").rglob("*") if path.is_file()}
    hidden = {path for path in there if any(part.startswith(".") for part in Path(path).parts)}
    assert there - hidden - set(listed) == {"results/manifest.json"}
    assert set(CHAIN) <= set(listed)


def test_nothing_is_wrong_with_a_finished_project(finished, monkeypatch):
    monkeypatch.chdir(finished)
    assert list(verified(Path("results"))) == []


@pytest.mark.parametrize("name", CHAIN)
def test_one_flipped_byte_is_found(project, monkeypatch, name):
    monkeypatch.chdir(project)
    flip(project / name)
    assert list(verified(Path("results"))) == [f"{name}: changed since the manifest was written"]


def test_a_missing_file_is_found(project, monkeypatch):
    monkeypatch.chdir(project)
    (project / f"{HARD}/history.csv").unlink()
    assert list(verified(Path("results"))) == [f"{HARD}/history.csv: missing"]


def test_what_was_made_from_other_inputs_is_stale(project, monkeypatch):
    """Weights that were exchanged and listed anew: what was computed from the old ones tells."""
    monkeypatch.chdir(project)
    manifest = Path("results/manifest.json")
    content = json.loads(manifest.read_text())
    other = CELL.format("ft-all", 1) + "/model.safetensors"
    Path(HARD, "model.safetensors").write_bytes(Path(other).read_bytes())
    content["files"][f"{HARD}/model.safetensors"] = content["files"][other]
    manifest.write_text(json.dumps(content))
    assert list(verified(Path("results"))) == [f"{HARD}: stale: its model has been replaced since"]


def test_a_number_is_explained_from_the_images_on(finished, monkeypatch):
    monkeypatch.chdir(finished)
    lines = list(explained(Path(HARD)))
    told = "\n".join(lines)
    evaluation = json.loads(Path(HARD, "evaluation.json").read_text())
    assert lines[0].startswith(f"{evaluation['accuracy']:.2f} ± {evaluation['ci95']:.2f} % over 8 test episodes")
    for digest in evaluation["provenance"]["inputs"].values():
        assert digest[:16] in told
    assert "meta-trained at commit" in told
    assert "pre-trained at commit" in told
    assert lines[-1].startswith(f"to make it again: snakemake --cores 2 {HARD}/evaluation.json")
