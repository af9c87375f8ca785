"""The subcommands of `mtl` that build reports from finished cells."""

from pathlib import Path
from typing import Annotated

import typer

from mtl.runtime.errors import UserError

reports = typer.Typer()

REPORTS = "Reports, which Snakemake calls"

PlanText = Annotated[str, typer.Option("--plan", help="What the report shows, as JSON.")]
Input = Annotated[Path, typer.Option(exists=True, dir_okay=False)]
Folder = Annotated[Path, typer.Option(file_okay=False)]
Output = Annotated[Path, typer.Option(dir_okay=False)]


@reports.command(rich_help_panel=REPORTS)
def table(
    plan: PlanText,
    published: Input,
    results: Folder,
    logs: Folder,
    csv: Output,
    markdown: Output,
) -> None:
    """Builds a table from its evaluated cells."""
    from mtl.reporting.tables import write_table

    write_table(plan, published, results, logs, csv, markdown)


@reports.command(rich_help_panel=REPORTS)
def claims(plan: PlanText, results: Folder, csv: Output, markdown: Output) -> None:
    """Tests the paper's claims on what was measured."""
    from mtl.reporting.claims_page import write_claims

    write_claims(plan, results, csv, markdown)


@reports.command(rich_help_panel=REPORTS)
def figure(
    name: Annotated[str, typer.Argument(help="A figure of config/tables.yaml.")],
    plan: PlanText,
    published: Input,
    results: Folder,
    csv: Output,
    png: Output,
    svg: Output,
) -> None:
    """Draws a figure from what was measured."""
    from mtl.runtime.extensions import extensions, load, module_of

    module = module_of(name)
    if module not in extensions("reporting.figures"):
        raise UserError(f"there is no figure {name!r}; known: {', '.join(extensions('reporting.figures'))}")
    load("reporting.figures", module).write(plan, published, results, csv, [png, svg])


@reports.command(rich_help_panel=REPORTS)
def decisions(plan: PlanText, results: Folder, csv: Output, markdown: Output, png: Output, svg: Output) -> None:
    """Shows what each decision, changed alone, does to accuracy."""
    from mtl.reporting.decisions_table import write_decisions

    write_decisions(plan, results, csv, markdown, [png, svg])


@reports.command(rich_help_panel=REPORTS)
def rates(plan: PlanText, results: Folder, csv: Output, markdown: Output) -> None:
    """Shows what each method reaches at each learning rate."""
    from mtl.reporting.rates_table import write_rates

    write_rates(plan, results, csv, markdown)


@reports.command(rich_help_panel=REPORTS)
def survey(
    plan: PlanText,
    published: Input,
    tables: Input,
    results: Folder,
    benchmarks: Folder,
    csv: Output,
    markdown: Output,
    png: Output,
    svg: Output,
) -> None:
    """Compares methods on one footing."""
    from mtl.reporting.survey_table import write_survey

    write_survey(plan, published, tables, results, benchmarks, csv, markdown, [png, svg])


@reports.command()
def page(
    plan: PlanText,
    results: Folder,
    tables: Annotated[Path, typer.Option(file_okay=False, help="Of the tables; if not the results: partial.")],
    benchmarks: Folder,
    output: Output,
) -> None:
    """Puts everything on one page to look at."""
    from mtl.reporting.page.write_page import PageFolders, write_page

    write_page(plan, PageFolders(results, tables, benchmarks, figures=tables == results), output)
