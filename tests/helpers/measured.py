"""Cells whose files are made by hand, as stages write them."""

import json

import pandas as pd

from mtl.experiment.cell import Cell
from mtl.reporting.claim_tests import claim_verdicts
from mtl.reporting.claims_page import write_claims
from mtl.reporting.evidence import Evidence


def cell(method, shot=1, seed=0, backbone="resnet12", way=5):
    return Cell("glyphs", backbone, seed, method, way, shot)


def computed_on(device="cpu", inputs=()):
    return {"device": device, "dtype": "float32", "inputs": {role: {} for role in inputs}}


class Measured:
    """Files of cells, as stages write them."""

    def __init__(self, folder):
        self.folder, self.cells = folder, {}

    def _path(self, one, name):
        path = self.folder / one.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.cells[one.folder] = True
        return path

    def accuracies(self, one, values, device="cpu"):
        table = pd.DataFrame({"episode": range(len(values)), "accuracy": values})
        table.to_csv(self._path(one, "episodes.csv"), index=False)
        self._path(one, "evaluation.json").write_text(json.dumps({"provenance": computed_on(device)}))

    def history(self, one, accuracies, tasks=2):
        # As meta-training writes it: a row counts the tasks of its own iteration too.
        rows = [
            (i, (i + 1) * tasks, accuracies[i // 10] if i % 10 == 0 else None) for i in range(10 * len(accuracies) - 9)
        ]
        table = pd.DataFrame(rows, columns=["iteration", "tasks_seen", "validation_accuracy"])
        table.to_csv(self._path(one, "history.csv"), index=False)
        self.learned(one, 1)

    def learned(self, one, count):
        self.trained(one, learned_parameters=count)

    def trained(self, one, selected_iteration=100, learned_parameters=1, device="cpu", pretrained_on=None):
        """The record of a meta-training, of a pre-trained network if `pretrained_on` names a device."""
        made = computed_on(device, () if pretrained_on is None else ("pretrained",))
        record = {"selected_iteration": selected_iteration, "learned_parameters": learned_parameters}
        self._path(one, "training.json").write_text(json.dumps({**record, "provenance": made}))
        if pretrained_on is not None:
            path = self.folder / one.pretraining / "pretrain" / "summary.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps({"provenance": computed_on(pretrained_on)}))

    def plan(self, *pairs, test="difference", **more):
        claim = {"claim": "it is so", "source": "here", "test": test, "pairs": [list(pair) for pair in pairs]}
        claim |= {"across_backbones": False, "target": "other", **more}
        labels = {"a": "A", "b": "B", "c": "C"}
        datasets = {"glyphs": {"title": "glyphs", "note": ""}}
        return {
            "title": "Claims", "note": "", "datasets": datasets, "labels": labels, "claims": [claim],
            "methods": sorted({Cell.in_folder(folder).method for folder in self.cells}),
            "cells": self.cells, "stale": [],
        }  # fmt: skip

    def tested(self, *pairs, **claim):
        return claim_verdicts(self.plan(*pairs, **claim), Evidence(self.folder, self.cells))


def page_of(tmp_path, plan, *claims):
    """The page of a plan with other claims: text, pairs, and whether backbones may differ."""
    made = [
        {**plan["claims"][0], "claim": text, "pairs": pairs, "across_backbones": across}
        for text, pairs, across in claims
    ]
    write_claims(json.dumps({**plan, "claims": made}), tmp_path, tmp_path / "c.csv", tmp_path / "c.md")
    return (tmp_path / "c.md").read_text(encoding="utf-8")
