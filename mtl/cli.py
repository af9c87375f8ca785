"""`mtl <stage>`: one subcommand per rule of the workflow, each a thin call into the library.

Modules are imported where they are used: a table needs no torch, and a training job no plotting library.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mtl.cli_cells import cells
from mtl.cli_reports import REPORTS, Folder, Input, Output, PlanText, reports
from mtl.runtime.errors import escape_what_cannot_be_shown, one_line_errors

app = typer.Typer(
    help="Meta-Transfer Learning, reproduced: looks at results, and runs the stages that Snakemake calls.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# Not by `add_typer`, which would list them last.
app.registered_commands += cells.registered_commands
app.add_typer(reports)

STAGES = "Stages, which Snakemake calls"
CONFIG = "About the config"

SpecText = Annotated[str, typer.Option("--spec", help="What the job is told, as JSON.")]
OptionalInput = Annotated[Path | None, typer.Option(exists=True, dir_okay=False)]
Data = Annotated[str, typer.Option("--folder", help="Folder of archives or trees; empty: none.")]


@app.command(rich_help_panel=STAGES)
def fetch(
    datasets: Input,
    dataset: Annotated[str, typer.Option(help="Key of an entry of the file of datasets.")],
    classes: Input,
    archives: Annotated[Path, typer.Option(file_okay=False, help="Folder for downloads.")],
    output: Output,
    folder: Data = "",
    edition: str = "",
) -> None:
    """Finds or downloads a dataset and verifies it."""
    from mtl.data.fetch import fetch
    from mtl.experiment.project import read_yaml
    from mtl.specs.datasets import FetchSpec
    from mtl.specs.reading import from_plain

    entry = read_yaml(datasets)[dataset]
    values = {"dataset": dataset, **{key: entry[key] for key in ("sources", "images_per_class")}}
    spec = from_plain(FetchSpec, values, f"{datasets}: {dataset}")
    fetch(spec, classes, folder, archives, output, edition)


@app.command(rich_help_panel=STAGES)
def split(
    classes: Input,
    images_per_class: Annotated[int, typer.Option(help="Images of each class, at least.")],
    output: Output,
    source: OptionalInput = None,
    folder: Data = "",
) -> None:
    """Writes which image belongs to which class and split."""
    from mtl.data.images_of import found_images, numbered_images
    from mtl.data.split import read_class_list, write_split

    listed = read_class_list(classes)
    if source is None:  # rendered images
        write_split(numbered_images(listed, images_per_class), output)
    else:
        write_split(found_images(listed, images_per_class, source, folder), output)


@app.command(rich_help_panel=STAGES)
def prepare(
    spec: SpecText,
    split: Input,
    images: Output,
    samples: Output,
    summary: Output,
    source: OptionalInput = None,
    reference: Annotated[str, typer.Option(help="SHA-256 that the pixels should have; empty: unknown.")] = "",
    threads: Annotated[int, typer.Option(min=1)] = 1,
    folder: Data = "",
) -> None:
    """Prepares all images of a dataset as one array."""
    from mtl.data.made_with import add_made_with
    from mtl.data.opening import opening
    from mtl.data.prepare import PreparePaths, prepare
    from mtl.specs.preparing import PrepareSpec
    from mtl.specs.reading import from_json

    told = from_json(PrepareSpec, spec)
    paths = PreparePaths(split, images, samples, summary)
    prepare(told, paths, opening(told, source, folder, threads), reference or None)
    add_made_with(summary, told, split, images)


@app.command(rich_help_panel=STAGES)
def episodes(spec: SpecText, split: Input, output: Output) -> None:
    """Draws and stores the episodes that all methods share."""
    from mtl.data.stored_episodes import write_episodes
    from mtl.specs.drawing import EpisodesSpec
    from mtl.specs.reading import from_json

    write_episodes(from_json(EpisodesSpec, spec), split, output)


@app.command(rich_help_panel=STAGES)
def pretrain(spec: SpecText, images: Input, split: Input, model: Output, history: Output, summary: Output) -> None:
    """Pre-trains Θ on all training classes."""
    from mtl.specs.pretraining import PretrainSpec
    from mtl.specs.reading import from_json
    from mtl.training.pretrain import PretrainPaths, pretrain

    paths = PretrainPaths(images, split, model, history, summary)
    pretrain(from_json(PretrainSpec, spec), paths)


@app.command(rich_help_panel=STAGES)
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
    from mtl.specs.meta_training import MetaTrainSpec
    from mtl.specs.reading import from_json
    from mtl.training.meta_train import MetaTrainPaths, meta_train

    paths = MetaTrainPaths(images, split, val_episodes, pretrained, model, snapshots, history, summary)
    meta_train(from_json(MetaTrainSpec, spec), paths)


@app.command(rich_help_panel=STAGES)
def evaluate(
    spec: SpecText,
    images: Input,
    split: Input,
    val_episodes: Input,
    test_episodes: Input,
    episodes: Output,
    predictions: Output,
    evaluation: Output,
    pretrained: OptionalInput = None,
    model: OptionalInput = None,
) -> None:
    """Scores one cell on the stored test episodes."""
    from mtl.evaluation.evaluate import EvaluateInputs, EvaluatePaths, evaluate
    from mtl.specs.evaluating import EvaluateSpec
    from mtl.specs.reading import from_json

    inputs = EvaluateInputs(images, split, test_episodes, val_episodes, pretrained, model)
    evaluate(from_json(EvaluateSpec, spec), inputs, EvaluatePaths(episodes, predictions, evaluation))


@app.command(rich_help_panel=STAGES)
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
    """Scores one cell during its meta-training."""
    from mtl.evaluation.curve import curve
    from mtl.evaluation.evaluate import EvaluateInputs
    from mtl.specs.evaluating import EvaluateSpec
    from mtl.specs.reading import from_json

    inputs = EvaluateInputs(images, split, test_episodes, None, pretrained, None)
    curve(from_json(EvaluateSpec, spec), inputs, snapshots, evaluation, output)


@app.command(rich_help_panel=REPORTS)
def manifest(plan: PlanText, results: Folder, output: Output) -> None:
    """Lists every file of an experiment with its checksum."""
    from mtl.reporting.manifest import write_manifest

    write_manifest(plan, results, output)


@app.command(rich_help_panel=CONFIG)
def config_reference() -> None:
    """Prints config/README.md from the declarations in mtl/specs."""
    from mtl.specs.reference import reference

    sys.stdout.write(reference())


@app.command(rich_help_panel=CONFIG)
def config_schema(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where to write <name>.schema.json.")],
) -> None:
    """Writes the JSON Schemas of the files under config/, for editors."""
    from mtl.specs.reference import write_schemas

    write_schemas(folder)


def main() -> None:
    """Entry point: shows an error that the user can fix as one line on stderr, with exit code 1."""
    escape_what_cannot_be_shown()
    with one_line_errors(lambda message: sys.stderr.write(f"mtl: error: {message}\n")):
        app()


if __name__ == "__main__":
    main()
