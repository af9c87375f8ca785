"""Where the stages behind a cell say how they were made."""

from pathlib import Path

from mtl.experiment.cell import Cell


def records_of(folder: str, results: Path) -> dict[str, Path]:
    """Where the stages behind a cell, given by its folder, say how they were made."""
    cell = results / folder
    return {
        "evaluate": cell / "evaluation.json",
        "meta_train": cell / "training.json",
        "pretrain": results / Cell.in_folder(folder).pretraining / "pretrain" / "summary.json",
    }
