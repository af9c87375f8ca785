"""The subcommands of `mtl` that people type, to look at what there is."""

import os
from pathlib import Path
from typing import Annotated

import typer

cells = typer.Typer()

LOOK = "Look at results"
CellPath = Annotated[Path, typer.Argument(help="Folder of a cell, or a file in it.")]


@cells.command(rich_help_panel=LOOK)
def show(cell: CellPath) -> None:
    """Shows a cell: its accuracy, learning curve, settings, cost, and the command that reruns it."""
    from mtl.reporting.show_cell import show

    show(cell)


@cells.command(rich_help_panel=LOOK)
def compare(first: CellPath, second: CellPath) -> None:
    """Compares two cells over the same test episodes, and their settings."""
    from mtl.reporting.compare_cells import compare

    compare(first, second)


@cells.command(rich_help_panel=LOOK)
def plan(
    targets: Annotated[list[str] | None, typer.Argument(help="As for Snakemake; by default all.")] = None,
    configfile: Annotated[list[Path] | None, typer.Option(help="As for Snakemake. Repeatable.")] = None,
    config: Annotated[list[str] | None, typer.Option(help="KEY=VALUE, as for Snakemake. Repeatable.")] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="For the time by the clock; by default all.")] = None,
) -> None:
    """Says what a target will cost on this machine: jobs, hours, memory, disk."""
    from mtl.planning.estimate import plan

    plan(targets or [], configfile or [], config or [], cores or os.cpu_count() or 1)


@cells.command(rich_help_panel=LOOK)
def verify(
    results: Annotated[Path, typer.Argument(help="Folder with manifest.json.")],
    configfile: Annotated[
        list[Path] | None, typer.Option(help="As for Snakemake; instead of those the manifest names. Repeatable.")
    ] = None,
    config: Annotated[list[str] | None, typer.Option(help="KEY=VALUE, as for Snakemake. Repeatable.")] = None,
) -> None:
    """Says what is missing, changed, stale or not what the config asks."""
    from mtl.reporting.verify import verify

    verify(results, configfile or [], config or [])


@cells.command(rich_help_panel=LOOK)
def explain(cell: CellPath) -> None:
    """Prints how a number came to be, from the archive to the accuracy."""
    from mtl.reporting.explain import explain

    explain(cell)
