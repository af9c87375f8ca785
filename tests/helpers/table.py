"""A table of a few cells, and printed numbers to compare them with."""

from mtl.experiment.cell import Cell

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


def cell(method, shot, seed=0, way=5):
    return Cell("miniimagenet", "resnet12", seed, method, way, shot)


CELLS = [cell("ss-all", 1), cell("ss-all", 1, 1), cell("ss-all", 5), cell("linear", 1), cell("linear", 5)]
PLAN = {
    "table": "table1",
    "title": "Table 1: ablation",
    "note": "small images",
    "datasets": DATASETS,
    "columns": [["miniimagenet", 5, 1], ["miniimagenet", 5, 5]],
    "rows": [row("SS", "mine", "ss-all"), row("controls", "linear", "linear")],
    "cells": {c.folder: 0 for c in CELLS},
    "made": [
        {
            "batch_norm": "episode",
            "shown": [["{} px", "84"], ["width {}", ""], ["{} statistics", "episode"]],
            "other": "",
            "differences": "",
        },
        {
            "batch_norm": "running",
            "shown": [["{} px", "48"], ["{} statistics", "running"]],
            "other": "other-scale (48 px); other-protocol (running statistics)",
            "differences": "image_size: 48 (paper: 84); batch_norm: running (paper: episode)",
        },
    ],
}
