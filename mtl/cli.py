"""`mtl <stage>`: one subcommand per rule of the workflow, each a thin call into the library.

Modules are imported where they are used: a table needs no torch, and a training job no plotting library.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mtl.runtime.errors import one_line_errors

app = typer.Typer(
    help="Stages of the Meta-Transfer Learning reproduction. Snakemake calls them; they also run by hand.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SpecText = Annotated[str, typer.Option("--spec", help="Resolved settings of this job, as JSON.")]
LayoutText = Annotated[str, typer.Option("--layout", help="Title, rows and labels, as JSON.")]
Input = Annotated[Path, typer.Option(exists=True, dir_okay=False)]
OptionalInput = Annotated[Path | None, typer.Option(exists=True, dir_okay=False)]
Folder = Annotated[Path, typer.Option(file_okay=False)]
Output = Annotated[Path, typer.Option(dir_okay=False)]


@app.command()
def fetch(
    datasets: Input,
    dataset: Annotated[str, typer.Option(help="Key of an entry of the file of datasets.")],
    classes: Input,
    archives: Annotated[Path, typer.Option(file_okay=False, help="Folder for downloads.")],
    output: Output,
    folder: Annotated[str, typer.Option(help="Folder of archives or trees; empty: download.")] = "",
) -> None:
    """Finds or downloads a dataset and verifies it."""
    from mtl.data.fetch import fetch
    from mtl.data.registry import sources_of
    from mtl.load import read_yaml

    spec = sources_of(dataset, read_yaml(datasets)[dataset])
    fetch(spec, classes, Path(folder) if folder else None, archives, output)


@app.command()
def split(
    classes: Input,
    images_per_class: Annotated[int, typer.Option(help="Images of each class, at least.")],
    output: Output,
    source: OptionalInput = None,
) -> None:
    """Writes which image belongs to which class and split."""
    from mtl.data.images_of import with_images
    from mtl.data.split import read_class_list, write_split

    write_split(with_images(read_class_list(classes), images_per_class, source), output)


@app.command()
def prepare(
    spec: SpecText,
    split: Input,
    images: Output,
    samples: Output,
    summary: Output,
    source: OptionalInput = None,
    reference: Annotated[str, typer.Option(help="SHA-256 that the pixels should have; empty: unknown.")] = "",
    threads: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Prepares all images of a dataset as one array."""
    from mtl.data.prepare import PreparePaths, prepare
    from mtl.spec import PrepareSpec, from_json

    paths = PreparePaths(split, source, images, samples, summary)
    prepare(from_json(PrepareSpec, spec), paths, reference or None, threads)


@app.command()
def episodes(spec: SpecText, split: Input, output: Output) -> None:
    """Draws and stores the episodes that all methods share."""
    from mtl.data.episodes import write_episodes
    from mtl.spec import EpisodesSpec, from_json

    write_episodes(from_json(EpisodesSpec, spec), split, output)


@app.command()
def pretrain(spec: SpecText, images: Input, split: Input, model: Output, history: Output, summary: Output) -> None:
    """Pre-trains Θ on all training classes."""
    from mtl.spec import PretrainSpec, from_json
    from mtl.training.pretrain import PretrainPaths, pretrain

    paths = PretrainPaths(images, split, model, history, summary)
    pretrain(from_json(PretrainSpec, spec), spec, paths)


@app.command()
def meta_train(
    spec: SpecText,
    images: Input,
    split: Input,
    val_episodes: Input,
    model: Output,
    snapshots: Output,
    history: Output,
    summary: Output,
    pretrained: OptionalInput = None,
) -> None:
    """Meta-trains one cell."""
    from mtl.spec import MetaTrainSpec, from_json
    from mtl.training.meta_train import MetaTrainPaths, meta_train

    paths = MetaTrainPaths(images, split, val_episodes, pretrained, model, snapshots, history, summary)
    meta_train(from_json(MetaTrainSpec, spec), spec, paths)


@app.command()
def evaluate(
    spec: SpecText,
    images: Input,
    split: Input,
    val_episodes: Input,
    test_episodes: Input,
    episodes: Output,
    evaluation: Output,
    pretrained: OptionalInput = None,
    model: OptionalInput = None,
) -> None:
    """Scores one cell on the stored test episodes."""
    from mtl.evaluation.evaluate import EvaluateInputs, evaluate
    from mtl.spec import EvaluateSpec, from_json

    inputs = EvaluateInputs(images, split, test_episodes, val_episodes, pretrained, model)
    evaluate(from_json(EvaluateSpec, spec), spec, inputs, episodes, evaluation)


@app.command()
def curve(
    spec: SpecText,
    images: Input,
    split: Input,
    test_episodes: Input,
    snapshots: Input,
    evaluation: Input,
    output: Output,
    pretrained: OptionalInput = None,
) -> None:
    """Scores one cell in the course of its meta-training."""
    from mtl.evaluation.curve import curve
    from mtl.evaluation.evaluate import EvaluateInputs
    from mtl.spec import EvaluateSpec, from_json

    inputs = EvaluateInputs(images, split, test_episodes, None, pretrained, None)
    curve(from_json(EvaluateSpec, spec), inputs, snapshots, evaluation, output)


@app.command()
def table(
    layout: LayoutText,
    published: Input,
    results: Folder,
    logs: Folder,
    csv: Output,
    markdown: Output,
) -> None:
    """Builds a table from those of its cells that were evaluated."""
    from mtl.reporting.tables import write_table

    write_table(layout, published, results, logs, csv, markdown)


@app.command()
def claims(layout: LayoutText, results: Folder, csv: Output, markdown: Output) -> None:
    """Tests the paper's claims on what was measured."""
    from mtl.reporting.claims import write_claims

    write_claims(layout, results, csv, markdown)


class FigureName(StrEnum):
    """The figures."""

    FIGURE4 = "figure4"
    FOREST = "forest"
    SCALE_SHIFT = "scale-shift"


@app.command()
def figure(
    name: FigureName, layout: LayoutText, published: Input, results: Folder, csv: Output, png: Output, svg: Output
) -> None:
    """Draws a figure from what was measured."""
    from mtl.reporting.figure4 import write_figure4
    from mtl.reporting.forest import write_forest
    from mtl.reporting.scale_shift import write_scale_shift

    write = {
        FigureName.FIGURE4: write_figure4, FigureName.FOREST: write_forest, FigureName.SCALE_SHIFT: write_scale_shift
    }[name]  # fmt: skip
    write(layout, published, results, csv, [png, svg])


@app.command()
def manifest(layout: LayoutText, results: Folder, output: Output) -> None:
    """Lists every file of an experiment with its checksum."""
    from mtl.reporting.manifest import write_manifest

    write_manifest(layout, results, output)


@app.command()
def verify(results: Annotated[Path, typer.Argument(file_okay=False, help="Folder with manifest.json.")]) -> None:
    """Recomputes all checksums and says what is missing, changed or stale."""
    from mtl.reporting.manifest import verify

    verify(results)


@app.command()
def explain(cell: Annotated[Path, typer.Argument(file_okay=False, help="Folder of a cell.")]) -> None:
    """Prints how a number came to be, from the archive to the accuracy."""
    from mtl.reporting.explain import explain

    explain(cell)


@app.command()
def config_reference() -> None:
    """Prints config/README.md from the schemas."""
    from mtl.schemas.reference import reference

    sys.stdout.write(reference())


def main() -> None:
    """Entry point: what the user can mend is one line on stderr and exit code 1."""
    with one_line_errors(lambda message: sys.stderr.write(f"mtl: error: {message}\n")):
        app()


if __name__ == "__main__":
    main()
