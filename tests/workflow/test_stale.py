"""A number is never shown under settings it was not made with, whatever became of Snakemake's records."""

import shutil

import pandas as pd
import pytest

from tests.helpers.project import edit, planned, snakemake


def of_glyphs(**changed):
    """A change of the entry of glyphs."""
    return lambda project: edit(project / "config/datasets.yaml", lambda datasets: datasets["glyphs"].update(changed))


def other_split(project):
    path = project / "config/splits/glyphs.csv"
    head, first, second, *rest = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([head, second, first, *rest]) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    "change", [of_glyphs(seed=1), of_glyphs(images_per_class=9), other_split], ids=["seed", "images", "split"]
)
def test_other_images_make_a_table_stale_without_snakemakes_records(project, change):
    change(project)
    shutil.rmtree(project / ".snakemake")
    code, output = snakemake(project, "results/partial/table1.csv")
    assert code == 0, output
    assert set(pd.read_csv(project / "results/partial/table1.csv")["verdict"]) == {"stale"}


def test_images_that_were_prepared_again_make_a_table_stale(project):
    of_glyphs(seed=1)(project)
    code, output = snakemake(project, "resources/glyphs/16px/images.npy")
    assert code == 0, output
    code, output = snakemake(project, "--touch", "results/table1.csv")
    assert code == 0, output
    code, output = snakemake(project, "results/partial/table1.csv")
    assert code == 0, output
    assert set(pd.read_csv(project / "results/partial/table1.csv")["verdict"]) == {"stale"}


def wider(project):
    edit(project / "config/config.yaml", lambda config: config.update(width=64))


@pytest.mark.parametrize("records", ["kept", "lost", "touched"])
def test_other_settings_make_a_table_stale(project, records):
    wider(project)
    if records == "lost":
        shutil.rmtree(project / ".snakemake")
    if records == "touched":
        code, output = snakemake(project, "--touch", "results/table1.csv")
        assert code == 0, output
    code, output = snakemake(project, "results/partial/table1.csv", "--forcerun", "partial_table")
    assert code == 0, output
    table = pd.read_csv(project / "results/partial/table1.csv")
    assert set(table["verdict"]) == {"stale"}
    assert table["accuracy"].isna().all()
    if records == "kept":
        assert "pre-training resnet12 on glyphs, seed 0" in planned(project, "results/table1.csv")
    else:
        # Snakemake takes the cells for finished; the table says what they are.
        code, output = snakemake(project, "results/table1.csv", "--forcerun", "table")
        assert code == 0, output
        assert set(pd.read_csv(project / "results/table1.csv")["verdict"]) == {"stale"}
