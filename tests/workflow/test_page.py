"""The page of a finished experiment: what is on it, and what makes it again."""

import re
import shutil

import pandas as pd
import pytest

from tests.helpers.project import CELL, edit, planned, snakemake, with_package

PAGE = "putting everything on one page"
PARTIAL = "results/partial/report.html"


@pytest.fixture(scope="module")
def page(finished):
    return (finished / "results/report.html").read_text(encoding="utf-8")


def test_it_answers_shows_and_leads_to_every_number(page, finished):
    table = pd.read_csv(finished / "results/table1.csv")
    assert "All 25 cells on glyphs are measured, with one training seed and 8 test episodes per cell." in page
    assert "One seed is no conclusion" in page
    for line in table.to_dict("records"):
        anchor = f"{line['dataset']}-{line['backbone']}-{line['method']}-{line['way']}way-{line['shot']}shot"
        assert f'href="#{anchor}"><b>{line["accuracy"]:.2f}</b>' in page
        assert page.count(f'id="{anchor}"') == 1
    for figure in (finished / "results/figures").glob("*.svg"):
        assert f'="{figure.stem}-' in page
    assert "snakemake --cores 2 results/glyphs/resnet12/seed0/ss-all-ht/5way-1shot/evaluation.json" in page
    assert page.count("support image of ") == 3 * 5
    assert "Which training classes keep failing" in page


def test_every_name_is_given_once_and_every_link_lands(page):
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r'\bhref="#([^"]+)"', page)) <= set(names)


def test_it_asks_nobody_for_anything(page):
    targets = re.findall(r'(?:\b(?:src|href)=|url\()"?([^")]+)', page)
    assert {target for target in targets if not target.startswith(("#", "data:"))} == set()


def test_the_same_results_give_the_same_bytes(project, page):
    (project / "results/report.html").unlink()
    code, output = snakemake(project, "results/report.html")
    assert code == 0, output
    assert (project / "results/report.html").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("name", ["page.css", "answer.html.j2"])
def test_a_template_makes_the_page_again_and_nothing_else(project, name):
    package = with_package(project)
    with (package / "reporting/page/templates" / name).open("a") as file:
        file.write("\n")
    assert planned(project) == [PAGE]


def test_a_report_that_was_asked_for_besides_makes_the_page_again(project):
    (project / "results/rates.csv").write_text("method\n")
    (project / "results/rates.md").write_text("# Rates\n\n| a |\n|---|\n| 7.5 |\n")
    assert planned(project) == [PAGE]
    code, output = snakemake(project, "results/report.html")
    assert code == 0, output
    assert "<td>7.5</td>" in (project / "results/report.html").read_text(encoding="utf-8")


def test_a_partial_page_runs_no_cell_and_says_what_is_missing(project):
    for cell in (CELL.format("linear", 1), CELL.format("ss-all-ht", 1)):
        shutil.rmtree(project / cell)
    log = project / "logs/glyphs/resnet12/seed0/linear/5way-1shot/evaluate.log"
    log.write_text("mtl: error: out of luck\n")
    shutil.rmtree(project / "logs/benchmarks")
    edit(project / "config/config.yaml", lambda config: config["meta_train"].update(learning_rate=0.1))
    assert planned(project, PARTIAL) == [
        "building table1 from the cells that exist",
        "putting the cells that exist on one page",
    ]
    code, output = snakemake(project, PARTIAL)
    assert code == 0, output
    text = (project / PARTIAL).read_text(encoding="utf-8")
    # Methods without meta-training, and those whose rate is their own, are as the config asks.
    assert "11 of 25 cells on glyphs are measured" in text
    assert "(12 made with other settings than the config asks, 1 failed, 1 not run)" in text
    assert "A partial page" in text
    assert "<figure><figcaption>" in text
    assert planned(project, PARTIAL) == []
