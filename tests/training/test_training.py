import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mtl.runtime.errors import UserError
from mtl.runtime.extensions import extensions
from mtl.runtime.files import sha256
from mtl.training.augment import augment
from mtl.training.schedules import halved
from mtl.training.selection import Selection
from tests.helpers import stages
from tests.helpers.learners import ALL_METHODS, method
from tests.helpers.stages import PRETRAIN, read, run_meta_train, run_pretrain


def test_learning_rate_is_halved_down_to_its_floor():
    settings = dataclasses.replace(PRETRAIN, learning_rate=1e-3, halve_every=1000, learning_rate_floor=1e-4)
    rates = [halved(settings, iteration) for iteration in (0, 999, 1000, 2500, 3000, 4000, 50_000)]
    assert rates == [1e-3, 1e-3, 5e-4, 2.5e-4, 1.25e-4, 1e-4, 1e-4]


def test_no_augmentation_is_the_identity():
    images = torch.randint(255, (4, 3, 8, 8), dtype=torch.uint8)
    assert torch.equal(augment(images, 0, False, torch.Generator()), images)


def test_crops_are_shifted_copies_with_black_borders():
    images = torch.randint(1, 255, (32, 3, 6, 6), dtype=torch.uint8)
    cropped = augment(images, 2, False, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    shifts = set()
    for image, source in zip(cropped, padded, strict=True):
        matches = [(y, x) for y in range(5) for x in range(5) if torch.equal(image, source[:, y : y + 6, x : x + 6])]
        assert len(matches) == 1
        shifts.update(matches)
    assert len(shifts) > 10


def test_flips_mirror_about_half_of_the_images():
    images = torch.randint(255, (200, 3, 4, 4), dtype=torch.uint8)
    flipped = augment(images, 0, True, torch.Generator().manual_seed(0))
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(flipped, images, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(flipped, images, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 60 < sum(mirrored) < 140


def test_pretraining_gives_the_same_bytes_twice_and_others_for_another_seed(tiny, tmp_path):
    a, b, c = (run_pretrain(tiny, tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    for file in ("model", "history", "summary"):
        assert getattr(a, file).read_bytes() == getattr(b, file).read_bytes()
    assert a.model.read_bytes() != c.model.read_bytes()


def test_pretraining_keeps_theta_and_discards_the_classifier(tiny, tmp_path):
    stored = load_file(run_pretrain(tiny, tmp_path).model)
    assert all(name.startswith("blocks.") for name in stored)
    assert sum("norms" in name for name in stored) == 24
    assert json.loads((tmp_path / "summary.json").read_text())["provenance"]["inputs"]["images"]["sha256"] == sha256(
        tiny / "images.npy"
    )


@pytest.mark.parametrize("name", [n for n in ALL_METHODS if method(n).meta_trained])
def test_every_method_meta_trains_and_stores_only_what_it_learned(tiny, tmp_path, name):
    paths = run_meta_train(tiny, tmp_path, name)
    stored, row = load_file(paths.model), method(name)
    # From random weights, a method learns them all; so do methods whose tasks adapt them.
    chooses = row.pretrained and "scope" in extensions("learners")[row.learner]["KEYS"]
    blocks = {"head": [], "last": ["3"], "all": ["0", "1", "2", "3"]}[row.scope if chooses else "all"]
    assert {key.split(".")[2] for key in stored if key.startswith("backbone")} == set(blocks)
    if row.modulate == "ss":
        assert all(key.endswith((".scale", ".shift")) for key in stored if key.startswith("backbone"))
    history = read(paths.history)
    assert [int(line["iteration"]) for line in history] == list(range(7))
    assert [line["iteration"] for line in history if line["validation_accuracy"]] == ["0", "2", "4", "6"]
    assert [float(line["learning_rate"]) for line in history[:-1]] == [1e-3] * 4 + [5e-4] * 2
    assert history[-1]["tasks_seen"] == "12"


@pytest.mark.parametrize("name", ["ss-all-ht", "maml-ht"])
def test_meta_training_gives_the_same_bytes_twice(tiny, tmp_path, name):
    a, b = (run_meta_train(tiny, tmp_path / folder, name, snapshots=[3]) for folder in "ab")
    for file in ("model", "snapshots", "history", "summary"):
        assert getattr(a, file).read_bytes() == getattr(b, file).read_bytes()


def test_hard_meta_batches_count_as_iterations_and_tasks(tiny, tmp_path):
    history = read(run_meta_train(tiny, tmp_path, "ss-all-ht", iterations=30, validate_every=30).history)
    phases = [line["phase"] for line in history[:-1]]
    assert set(phases) == {"plain", "hard"}
    assert [int(line["tasks_seen"]) for line in history[:-1]] == list(range(2, 62, 2))


def test_the_untrained_model_is_no_candidate_and_the_earliest_of_equals_wins():
    layer = torch.nn.Linear(1, 1)
    layer.learned = lambda: dict(layer.named_parameters())
    selection = Selection()
    for iteration, accuracy in enumerate([60.0, 50.0, 40.0, 50.0]):
        layer.weight.data.fill_(iteration)
        selection.consider(iteration, accuracy, layer)
    assert (selection.iteration, selection.accuracy) == (1, 50.0)
    assert selection.learned["weight"].item() == 1


def test_history_of_pretraining_counts_no_tasks(tiny, tmp_path):
    history = read(run_pretrain(tiny, tmp_path).history)
    assert {line["tasks_seen"] for line in history} == {"0"}
    assert np.isfinite([float(line["loss"]) for line in history[:-1]]).all()


def test_a_method_with_nothing_to_learn_is_refused(tiny, tmp_path, monkeypatch):
    frozen = dataclasses.replace(method("nearest-centroid"), meta_batch="plain")
    monkeypatch.setattr(stages, "method", lambda _: frozen)
    with pytest.raises(UserError, match=r"nearest-centroid\.meta_batch: 'plain', but this method has nothing to learn"):
        run_meta_train(tiny, tmp_path, "nearest-centroid")
