"""Puts the page of an experiment together."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mtl.experiment.cell import Cell
from mtl.reporting.claim_tests import claim_verdicts
from mtl.reporting.evidence import Evidence
from mtl.reporting.markdown import notes
from mtl.reporting.page.claims_view import claim_views
from mtl.reporting.page.closer_look import CloserLook, closer_look
from mtl.reporting.page.confusion import confusion_view
from mtl.reporting.page.cost import stage_views
from mtl.reporting.page.example_episodes import episode_views
from mtl.reporting.page.hard_classes import hard_classes_view
from mtl.reporting.page.inline import below_the_table, html, inline_svg
from mtl.reporting.page.number_view import section_views
from mtl.reporting.page.stage_line import stage_line
from mtl.reporting.page.table_view import TableView, anchor_of, table_view
from mtl.reporting.page.three_sentences import claims_sentence, measured_sentence, paper_sentence
from mtl.reporting.page.verdict_words import verdict_strip, words
from mtl.reporting.plans import not_stale, read_plan
from mtl.reporting.results import read_accuracies
from mtl.runtime.files import write_text

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class PageFolders:
    """Where the page finds what it shows.

    Attributes:
        results: cells, figures, and the reports that were asked for besides.
        tables: the tables, `results` or the folder of partial ones.
        benchmarks: what jobs took.
        figures: whether figures are shown; they cannot say which cells are missing.
    """

    results: Path
    tables: Path
    benchmarks: Path
    figures: bool = True


def write_page(plan_text: str, folders: PageFolders, output: Path) -> None:
    """Writes the page: one file that needs no other, and has the same bytes for the same results.

    Args:
        plan_text: titles, cells, settings and counts of jobs, as `PagePlan.plan` returns them.
        folders: where the results are. What is optional there and missing is left out.
        output: the page, HTML.

    Raises:
        UserError: a table is missing, or a file is damaged.
    """
    plan = read_plan(plan_text, folders.results)
    results = folders.results
    accuracies = read_accuracies(results, not_stale({**plan, "cells": plan["asked"]}))
    claims = {**plan["claims"], "stale": plan["stale"]}
    tidy = claim_verdicts(claims, Evidence(results, not_stale(claims)))
    tables = [table_view(name, title, folders.tables / f"{name}.csv", plan) for name, title in plan["tables"].items()]
    states = _states(plan, tables, set(accuracies))
    titles = [entry["title"] for entry in plan["datasets"].values()]
    rows = Counter(replace(Cell.in_folder(folder), seed=0) for folder in plan["asked"])
    closer = [closer_look(folder, results) for folder in plan["closer"] if states[folder] == "measured"]
    stages = stage_views(plan, folders.benchmarks)
    data = [table.data for table in tables]
    content = {
        "plan": plan,
        "partial": not folders.figures,
        "notes": notes(plan),
        "sentences": [
            measured_sentence(states.values(), titles, rows.values(), map(len, accuracies.values())),
            claims_sentence(tidy),
            paper_sentence(data, titles),
        ],
        "claims_strip": verdict_strip(tidy["verdict"]),
        "tables": tables,
        "below": {table.name: html(below_the_table(_read(folders.tables / f"{table.name}.md"))) for table in tables},
        "claims": claim_views(plan["claims"]["claims"], tidy, plan),
        "figures": _figures(plan, results) if folders.figures else [],
        "optional": _optional(plan, results),
        "looks": [_closer(look, plan, results) for look in closer if look is not None],
        "stages": stages,
        "line": stage_line(stages),
        "sections": section_views(plan, tables, states, results, folders.benchmarks),
        "words": words,
    }
    write_text(output, _rendered(content))


def _states(plan: dict[str, Any], tables: list[TableView], measured: set[Cell]) -> dict[str, str]:
    """Of each cell, by folder, `measured` or why there is no number: `stale`, `failed` or `not-run`."""
    failed = {
        number.anchor
        for table in tables
        for row in table.rows
        for number in row.numbers
        if number is not None and number.verdict == "failed"
    }
    states = {}
    for folder in plan["asked"]:
        cell = Cell.in_folder(folder)
        anchor = anchor_of(cell.dataset, cell.backbone, cell.method, cell.way, cell.shot)
        missing = "stale" if folder in plan["stale"] else "failed" if anchor in failed else "not-run"
        states[folder] = "measured" if cell in measured else missing
    return states


def _figures(plan: dict[str, Any], results: Path) -> list[dict[str, Any]]:
    paths = {name: results / "figures" / f"{name}.svg" for name in plan["figures"]}
    return [
        {"name": name, "title": plan["figures"][name], "svg": inline_svg(path, plan["figures"][name])}
        for name, path in paths.items()
        if path.is_file()
    ]


def _optional(plan: dict[str, Any], results: Path) -> list[dict[str, Any]]:
    """The reports that somebody asked for besides, with their figures."""
    found = []
    for name in plan["optional"]:
        page, figure = results / f"{name}.md", results / f"{name}.svg"
        if page.is_file():
            text = _read(page)
            title = text.partition("\n")[0].removeprefix("# ")
            drawn = inline_svg(figure, title) if figure.is_file() else ""
            found.append({"name": name, "title": title, "html": html(text), "svg": drawn})
    return found


def _closer(look: CloserLook, plan: dict[str, Any], results: Path) -> dict[str, Any]:
    cell = look.cell
    return {
        "anchor": anchor_of(cell.dataset, cell.backbone, cell.method, cell.way, cell.shot),
        "label": plan["labels"][cell.method],
        "where": f"{plan['datasets'][cell.dataset]['title']}, {cell.way}-way {cell.shot}-shot, seed {cell.seed}",
        "licence": plan["licences"][cell.dataset],
        "episodes": episode_views(look),
        "confusion": confusion_view(look),
        "hard": hard_classes_view(look, results / cell.folder / "history.csv"),
    }


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _rendered(content: dict[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2").render(content)
