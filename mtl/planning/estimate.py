"""`mtl plan`: jobs, hours, memory, disk and GPU-hours of a target, from short measurements on this machine."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from safetensors import safe_open

from mtl.experiment.layers import layers_of, merged
from mtl.experiment.load import CONFIG, Experiment, load
from mtl.experiment.project import Project
from mtl.planning.dry_run import Job, planned
from mtl.planning.pilot import Cost, Images, curve, evaluation, meta_training, pretraining
from mtl.reporting.commands import Options
from mtl.runtime.gpus import jobs_per_gpu, visible_gpus
from mtl.runtime.progress import Progress
from mtl.specs.computing import Needs
from mtl.specs.evaluating import EvaluateSpec
from mtl.specs.meta_training import MetaTrainSpec
from mtl.specs.pretraining import PretrainSpec
from mtl.specs.reading import from_plain

STAGES = ("pretrain", "meta_train", "evaluate", "curve")
# Settings that no cost depends on. Jobs that differ in nothing else are measured once.
FREE = {"seed", "learning_rate", "learning_rate_floor", "halve_every", "theta_start", "label"}
SHOWN = 25  # lines


@dataclass(frozen=True)
class Line:
    """Jobs of one cost."""

    what: str
    jobs: int
    cost: Cost
    needs: Needs

    @property
    def core_seconds(self) -> float:
        """Of all these jobs."""
        return self.jobs * self.cost.seconds * self.needs.threads

    @property
    def gpu_seconds(self) -> float:
        """Of all these jobs: of the GPUs that they request."""
        return self.jobs * self.cost.seconds * self.needs.gpus


def plan(targets: Sequence[str], files: Sequence[Path] = (), given: Sequence[str] = (), cores: int = 1) -> None:
    """Prints what a target will cost. Nothing of it is run, but a few steps of each kind of job on noise.

    Args:
        targets: files or rules, as for Snakemake; without any, all that the experiment consists of.
        files: config files that extend the project's own.
        given: what `--config` adds to them.
        cores: of the machine, for the time by the clock.

    Raises:
        UserError: the config is wrong, or Snakemake refuses the target.
    """
    options = Options([Project().path(CONFIG), *files], given)
    layers = layers_of(options.files, options.given)
    experiment = load(merged(layers), layers=layers)
    jobs = planned(targets, options)
    if not jobs:
        sys.stdout.write("nothing to be done\n")
        return
    lines = sorted(_lines(jobs, experiment), key=lambda line: -line.core_seconds)
    _print(lines, jobs, cores, _image_bytes(jobs, experiment))


def _lines(jobs: Sequence[Job], experiment: Experiment) -> list[Line]:
    groups: dict[str, list[Job]] = {}
    for job in (job for job in jobs if job.stage in STAGES):
        groups.setdefault(_key(job), []).append(job)
    snapshots = {job.files["snapshots"]: job for job in jobs if job.stage == "meta_train"}
    start = _start()
    lines = []
    with Progress("measuring", len(groups)) as progress:
        for alike in groups.values():
            job = alike[0]
            needs = _needs(job, experiment)
            cost = _cost(_on_its_device(job, needs), _images(_dataset(job), experiment), snapshots)
            lines.append(Line(_what(job), len(alike), Cost(start + cost.seconds, cost.bytes), needs))
            progress.step()
            progress.report()
    return lines


def _on_its_device(job: Job, needs: Needs) -> Job:
    """The job as the workflow runs it: one that requests no GPU sees none."""
    if needs.gpus:
        return job
    return replace(job, spec={**job.spec, "runtime": {**job.spec["runtime"], "device": "cpu"}})


def _cost(job: Job, images: Images, snapshots: dict[str, Job]) -> Cost:
    where = f"spec of {job.stage}"
    if job.stage == "pretrain":
        return pretraining(from_plain(PretrainSpec, job.spec, where), images)
    if job.stage == "meta_train":
        return meta_training(from_plain(MetaTrainSpec, job.spec, where), images)
    spec = from_plain(EvaluateSpec, job.spec, where)
    return evaluation(spec, images) if job.stage == "evaluate" else curve(spec, images, _snapshots(job, snapshots))


def _snapshots(job: Job, training: dict[str, Job]) -> int:
    """How many snapshots a curve has: those that a job will make, or those that there are."""
    file = job.files["snapshots"]
    if file in training:
        return len(training[file].spec["meta_train"]["snapshots"])
    with safe_open(file, framework="np") as stored:
        return len({name.partition("/")[0] for name in stored.keys()})  # noqa: SIM118 - not a mapping


def _key(job: Job) -> str:
    """The same for jobs of one cost."""

    def fixed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fixed(inner) for key, inner in value.items() if key not in FREE}
        return value

    return json.dumps([job.stage, _dataset(job), fixed(job.spec)], sort_keys=True)


def _what(job: Job) -> str:
    spec = job.spec
    network = f"{spec['network']['name']}, {_dataset(job)}"
    if job.stage == "pretrain":
        return f"pretrain {network}"
    return f"{job.stage.replace('_', '-')} {spec['method']['name']}, {spec['way']}-way {spec['shot']}-shot, {network}"


def _dataset(job: Job) -> str:
    return Path(job.files["split"]).parent.name


def _images(dataset: str, experiment: Experiment) -> Images:
    entry = experiment.grid.datasets[dataset]
    return Images(*(getattr(entry.classes, split) * entry.images_per_class for split in Images._fields))


def _needs(job: Job, experiment: Experiment) -> Needs:
    spec = job.spec
    names: Any = SimpleNamespace(dataset=_dataset(job), backbone=spec["network"]["name"])
    if job.stage != "pretrain":
        names.method, names.way, names.shot = spec["method"]["name"], spec["way"], spec["shot"]
    return experiment.jobs.needs("evaluate" if job.stage == "curve" else job.stage, names)


def _start() -> float:
    """Seconds that a job takes to import what it needs."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import mtl.training.meta_train"], check=True)
    return time.perf_counter() - begin


def _image_bytes(jobs: Sequence[Job], experiment: Experiment) -> int:
    prepared = {(_dataset(job), job.spec["size"]) for job in jobs if job.stage == "prepare"}
    return sum(3 * size**2 * sum(_images(dataset, experiment)) for dataset, size in prepared)


def _print(lines: Sequence[Line], jobs: Sequence[Job], cores: int, image_bytes: int) -> None:
    write = sys.stdout.write
    gpus = visible_gpus() * jobs_per_gpu()
    cores_there = os.cpu_count() or 1
    write(f"{'jobs':>5}  {'each':>9}  {'core-hours':>10}  {'GPU-hours':>9}  {'memory':>7}  what\n")
    for line in lines[:SHOWN]:
        write(
            f"{line.jobs:5}  {_span(line.cost.seconds):>9}  {line.core_seconds / 3600:10.2f}"
            f"  {_gpu_hours(line.gpu_seconds, gpus):>9}  {line.needs.memory / 1000:4.1f} GB  {line.what}\n"
        )
    if rest := lines[SHOWN:]:
        hours = sum(line.core_seconds for line in rest) / 3600
        write(f"{sum(line.jobs for line in rest):5}  {'shorter':>9}  {hours:10.2f}\n")
    core = sum(line.core_seconds for line in lines)
    gpu = sum(line.gpu_seconds for line in lines)
    longest = max((line.cost.seconds for line in lines), default=0.0)
    clock = max(core / cores, longest, gpu / gpus if gpus else 0.0)
    disk = image_bytes + sum(line.jobs * line.cost.bytes for line in lines)
    write(f"\n{len(jobs)} jobs, {core / 3600:.1f} core-hours, {_gpu_hours(gpu, gpus)} GPU-hours: ")
    write(f"by the clock about {_span(clock)} on {cores} core{'s' * (cores > 1)}")
    write(f" and {gpus} jobs on GPUs" if gpu and gpus else "")
    write(f"; {_disk(disk)} of disk\n")
    if (load := os.getloadavg()[0]) > cores_there + 1:
        write(f"measured beside other work (load {load:.0f} on {cores_there} cores): idle, it may take much less\n")
    if gpu and not gpus:
        write("measured without a GPU, though jobs request one\n")
    if others := Counter(job.stage for job in jobs if job.stage not in STAGES):
        listed = ", ".join(f"{count} {stage.replace('_', '-')}" for stage, count in sorted(others.items()))
        write(f"not measured, seconds to a few minutes each: {listed}\n")


def _gpu_hours(seconds: float, gpus: int) -> str:
    """Hours of GPUs; not known where there is none, because what a CPU takes says nothing about it."""
    return f"{seconds / 3600:.2f}" if gpus or not seconds else "–"


def _disk(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
