"""`mtl show`: one cell on a page of plain text, for a terminal."""

import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mtl.reporting.cell_records import STAGES, CellRecords, read_cell
from mtl.reporting.commands import Options, make_again, snakemake
from mtl.reporting.evidence import validations
from mtl.reporting.experiment_of import ExperimentOf, experiment_of
from mtl.reporting.job_cost import measurement
from mtl.reporting.results import read_csv
from mtl.reporting.settings import by_section
from mtl.reporting.text_plot import curve
from mtl.runtime.errors import UserError

WIDEST = 100  # characters; longer lines are hard to read
INDENT = 12
VALIDATION_LINES, LOSS_LINES = 7, 5  # a page of curves is 18 lines, with titles and axes
JOBS = {"pretrain": "pretrain", "meta_train": "meta-train", "evaluate": "evaluate"}


def show(path: Path) -> None:
    """Prints what a cell has reached, how it got there, what it was made with, what it took, and how to repeat it.

    Args:
        path: the cell's folder, `<results>/dataset/backbone/seed0/method/5way-1shot`, or a file in it.

    Raises:
        UserError: it is not a cell, or a file of it is damaged.
    """
    width = min(shutil.get_terminal_size().columns, WIDEST)
    sys.stdout.write("".join(f"{line}\n" for line in shown(path, width)))


def shown(path: Path, width: int) -> Iterator[str]:
    """The lines of `show`; only a command may be longer than `width`."""
    cell = read_cell(path)
    experiment = experiment_of(cell.results)
    yield cell.name
    yield ""
    for head, text in [*_number(cell), *_model(cell, experiment), *_cost(cell, experiment)]:
        yield from wrapped(head, text, width)
    yield from _curves(cell, width)
    if cell.records:
        yield from ["", "settings (* is not the default)"]
        for section, settings in by_section(cell.specs()).items():
            yield from wrapped(section or "task", ", ".join(settings), width, 2)
    yield ""
    yield from _command(cell, experiment)


def wrapped(head: str, text: str, width: int, margin: int = 0) -> list[str]:
    """A paragraph of lines of at most `width` characters, with its head before it. A path is not broken."""
    first = f"{'':{margin}}{head:<{INDENT}}  "
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _number(cell: CellRecords) -> Iterator[tuple[str, str]]:
    if "evaluate" not in cell.records:
        yield "accuracy", "none yet: it has not been evaluated"
        return
    record = cell.records["evaluate"]
    accuracy, ci95, episodes = (_value(cell, "evaluate", key) for key in ("accuracy", "ci95", "episodes"))
    yield "accuracy", f"{accuracy:.2f} ± {ci95:.2f} % over {episodes} test episodes"
    yield "", "± is the 95 % interval over episodes of this one model; what another seed would change is not in it"
    if record.get("steps") is not None:
        tried = {int(steps): value for steps, value in record.get("validation_accuracy_by_steps", {}).items()}
        values = ", ".join(f"{steps}: {value:.2f} %" for steps, value in sorted(tried.items()))
        yield "inner steps", f"{record['steps']} at test" + (f", chosen on validation ({values})" if tried else "")


def _model(cell: CellRecords, experiment: ExperimentOf) -> Iterator[tuple[str, str]]:
    """Which model is evaluated, and how it was selected."""
    if "meta_train" not in cell.records:
        if "evaluate" in cell.records:
            yield "model", "nothing was meta-trained, so nothing was selected"
            return
        begun = (cell.folder / ".meta-train.checkpoint").exists()
        yield "model", "meta-training was begun, its state is saved" if begun else "none yet: nothing is meta-trained"
        yield from (("error", line) for line in _errors(cell, experiment))
        return
    at, reached, learned = (
        _value(cell, "meta_train", key) for key in ("selected_iteration", "validation_accuracy", "learned_parameters")
    )
    settings = cell.specs()["meta_train"].get("meta_train", {})
    split = "TEST" if settings.get("select_on") == "test" else "validation"
    how = "the best of those validated" if settings.get("selected_iteration") is None else "fixed by the config"
    yield "model", f"of iteration {at}, {how}: {reached:.2f} % on {split} episodes; {learned:,} values learned"
    if at == 0:
        yield "", "iteration 0 is the start: meta-training has not changed this model"
    if cell.trained != cell.folder:
        yield "", f"trained in {cell.trained}"
    if "evaluate" not in cell.records:
        yield from (("error", line) for line in _errors(cell, experiment))


def _value(cell: CellRecords, stage: str, key: str) -> Any:
    value = cell.records[stage].get(key)
    if not isinstance(value, int | float):
        name = "evaluation.json" if stage == "evaluate" else "training.json"
        raise UserError(f"{cell.folder / name}: {key}: {value!r} is not a number; delete it and run again")
    return value


def _errors(cell: CellRecords, experiment: ExperimentOf) -> Iterator[str]:
    """The errors with which the logs of a cell end."""
    if experiment.logs is None:
        return
    own = (experiment.logs / cell.cell.folder).glob("*.log")
    for path in [experiment.logs / cell.cell.pretraining / "pretrain.log", *sorted(own)]:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
        if lines and lines[-1].startswith("mtl: error:"):
            yield lines[-1].removeprefix("mtl: error:").strip()


def _cost(cell: CellRecords, experiment: ExperimentOf) -> Iterator[tuple[str, str]]:
    if experiment.benchmarks is None:
        return
    parts, memory = [], []
    for stage, job in JOBS.items():
        folder = cell.cell.pretraining if stage == "pretrain" else cell.cell.folder
        path = experiment.benchmarks / folder / f"{job}.jsonl"
        seconds = measurement(path, "s")
        if stage in cell.records and not np.isnan(seconds):
            shared = " (shared)" if stage == "pretrain" else ""
            parts.append(f"{STAGES[stage]}{shared} {seconds:,.0f} s")
            memory.append(measurement(path, "max_rss"))
    if parts:
        peak = "" if np.isnan(memory).all() else f"; at most {np.nanmax(memory):,.0f} MB"
        yield "cost", f"{', '.join(parts)} by the clock{peak}"


def _curves(cell: CellRecords, width: int) -> Iterator[str]:
    """Validation accuracy and training loss against iterations."""
    path = cell.trained / "history.csv"
    if "meta_train" not in cell.records:
        return
    if not path.is_file():
        yield from ["", f"no learning curve: {path} is not there"]
        return
    validated = validations(path)
    selected = cell.records["meta_train"]["selected_iteration"]
    split = "test" if cell.specs()["meta_train"].get("meta_train", {}).get("select_on") == "test" else "validation"
    yield from ["", f"{split} accuracy in percent, by iteration (O: selected)"]
    points = validated["iteration"].to_list(), validated["validation_accuracy"].to_list()
    yield from curve(*points, width, VALIDATION_LINES, selected)
    trained = read_csv(path, [], ["iteration", "loss"]).dropna(subset=["loss"])
    if not trained.empty:
        yield "training loss, by iteration"
        yield from curve(trained["iteration"].to_list(), trained["loss"].to_list(), width, LOSS_LINES)


def _command(cell: CellRecords, experiment: ExperimentOf) -> Iterator[str]:
    options = experiment.options or Options()
    evaluation = cell.folder / "evaluation.json"
    if experiment.logs is None:  # or else the command would say where and with which config
        yield "in the folder of its project, with the config of its experiment,"
    if "evaluate" in cell.records:
        model = cell.trained / "model.safetensors" if "meta_train" in cell.records else None
        yield f"to make it again: {make_again(evaluation, model, options)}"
    else:
        yield f"to finish it: {snakemake([evaluation], options)}"
