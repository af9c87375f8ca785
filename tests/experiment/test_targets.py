import pytest

from mtl.experiment.load import load
from mtl.experiment.targets import check_targets
from mtl.runtime.errors import UserError
from tests.helpers.learners import ROOT

CELL = "results/glyphs/resnet12/seed0/ss-all/5way-1shot"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (CELL.replace("ss-all", "ss-al"), "method 'ss-al' is unknown; did you mean 'ss-all'?"),
        (CELL.replace("glyphs", "glyph"), "dataset 'glyph' is unknown; did you mean 'glyphs'?"),
        (CELL.replace("seed0", "seed3"), "seed '3' is unknown; known: 0"),
        (CELL.replace("1shot", "3shot"), "shot '3' is unknown; known: 1, 5"),
    ],
)
def test_a_cell_that_the_experiment_does_not_have_is_one_line(config, word, said):
    target = f"{word}/evaluation.json"
    with pytest.raises(UserError) as error:
        check_targets(["--cores", "2", target], load(config, ROOT).grid)
    assert str(error.value) == f"{target}: {said}"


@pytest.mark.parametrize(
    "word",
    [
        f"{CELL}/evaluation.json", CELL, f"{CELL}/nothing", "results/table1.csv", "all", "--cores",
        "results/tabel1.csv", "results/glyphs/resnet12/seed0/pretrain/model.safetensors",
        CELL.replace("ss-all", "maml"),
        "results/glyphs/episodes/seed7/val-5way-1shot-15query.npz", "other/glyphs/resnet12/seed9/me/5way-1shot",
    ],
)  # fmt: skip
def test_everything_else_is_left_to_snakemake(config, word):
    check_targets([word], load(config, ROOT).grid)
