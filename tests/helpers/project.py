"""A small project to run the real DAG in."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from mtl.experiment.project import read_yaml
from tests.helpers.learners import ROOT

TINY = {
    "image_size": 16,
    "width": 2,
    "runtime": {"device": "cpu"},
    "pretrain": {"iterations": 4, "log_every": 2, "batch_size": 16},
    "meta_train": {"iterations": 26, "query": 2, "validate_every": 13, "snapshots": [0, 26]},
    "base_learner": {"steps": 2, "test_steps": [1, 2]},
    "episodes": {"query": 2, "validation": 6, "test": 8},
}
MAML = {"backbones": ["conv4"], "methods": ["maml", "maml-ht", "fomaml"], "shots": [1]}
# Jobs call `mtl`, as in an activated environment.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
CELL = "results/glyphs/resnet12/seed0/{}/5way-{}shot"


def snakemake(folder, *arguments, cores=2, **environment):
    # A project with a copy of the package runs that copy.
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def run(folder, command):
    """Runs a line of the documentation as a reader does."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def planned(folder, *arguments):
    """What a dry run would do: the messages of its jobs."""
    code, output = snakemake(folder, "-n", *arguments)
    assert code == 0, output
    return sorted(set(re.findall(r"^Job \d+: (.*)$", output, flags=re.MULTILINE)))


def edit(path, change):
    content = read_yaml(path)
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def make_project(folder):
    folder.mkdir(exist_ok=True)
    for name in ("Snakefile", "workflow", "profiles", "config"):
        source = ROOT / name
        shutil.copytree(source, folder / name) if source.is_dir() else shutil.copy(source, folder / name)

    def shrink(config):
        for key, value in TINY.items():
            config[key] = {**config[key], **value} if isinstance(value, dict) else value

    edit(folder / "config/config.yaml", shrink)
    edit(folder / "config/datasets.yaml", lambda datasets: datasets["glyphs"].update(images_per_class=8))
    return folder


def made_once(tmp_path_factory, worker_id, name, make):
    """A project that processes which share the tests share: the first one calls `make(folder)`."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            done.touch()
    return folder


def with_package(project):
    """Gives a project a copy of the package, to edit, with its config inside, as in a wheel."""
    shutil.copytree(ROOT / "config", project / "mtl/config")
    ignored = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(ROOT / "mtl", project / "mtl", ignore=ignored, dirs_exist_ok=True)
