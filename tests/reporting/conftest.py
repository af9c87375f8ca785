"""A few cells with accuracies made by hand, and printed numbers to compare them with."""

import pandas as pd
import pytest

from mtl.cell import Cell

DATASETS = {"miniimagenet": {"title": "miniImageNet", "note": "not the paper's data"}}
PUBLISHED = """table,group,row,method,backbone,extractor,dataset,way,shot,accuracy,ci95
table1,metric,ProtoNets,protonet,conv4,4CONV,miniimagenet,5,1,49.4,0.8
table1,SS,SS [Θ;θ],ss-all,resnet12,ResNet-12 (pre),miniimagenet,5,1,60,1.8
table1,SS,SS [Θ;θ],ss-all,resnet12,ResNet-12 (pre),miniimagenet,5,5,74.3,
table1,SS,SS [Θ;θ],ss-all,resnet12,ResNet-12 (pre),fc100,5,5,1,1
table2,SS,other,ss-all,resnet12,ResNet-12 (pre),miniimagenet,5,1,1,1
"""


def row(group, label, method):
    return {"group": group, "row": label, "method": method, "backbone": "resnet12", "extractor": "ResNet-12 (pre)"}


def cell(method, shot, seed=0):
    return Cell("miniimagenet", "resnet12", seed, method, 5, shot)


CELLS = [cell("ss-all", 1), cell("ss-all", 1, 1), cell("ss-all", 5), cell("linear", 1), cell("linear", 5)]
LAYOUT = {
    "table": "table1",
    "title": "Table 1: ablation",
    "note": "small images",
    "datasets": DATASETS,
    "protocol": "default",
    "way": 5,
    "columns": [["miniimagenet", 1], ["miniimagenet", 5]],
    "rows": [row("SS", "mine", "ss-all"), row("controls", "linear", "linear")],
    "cells": {c.folder: {"batch_norm": "running", "paper_scale": True} for c in CELLS},
}


@pytest.fixture
def published(tmp_path):
    (tmp_path / "published.csv").write_text(PUBLISHED, encoding="utf-8")
    return tmp_path / "published.csv"


@pytest.fixture
def results(tmp_path):
    """A folder with per-episode accuracies of all cells but `linear` at 5 shots."""
    for one, accuracies in zip(CELLS, ([55.0, 65.0], [57.0, 67.0], [90.0, 90.0], [50.0, 60.0]), strict=False):
        path = tmp_path / "results" / one.folder / "episodes.csv"
        path.parent.mkdir(parents=True)
        pd.DataFrame({"episode": range(2), "accuracy": accuracies}).to_csv(path, index=False)
    return tmp_path / "results"
