"""From the files under `config/` to a checked plan: what no schema can say is checked here."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import yaml

from mtl.cell import Cell
from mtl.data.split import SPLITS, read_class_list
from mtl.layouts import Layouts
from mtl.plan import Config, Plan, listed
from mtl.runtime.errors import UserError
from mtl.schemas import schema, suggestion, validate


def load(config: Config, folder: Path, files: Sequence[Path] = ()) -> tuple[Plan, Layouts]:
    """The plan of an experiment and the layouts of its reports.

    Methods, datasets, tables and claims are read from `folder`; `config` came from `files`.

    Raises:
        UserError: a file cannot be read or something in it is wrong.
    """
    methods, datasets, tables = (read_yaml(folder / f"{name}.yaml") for name in ("methods", "datasets", "tables"))
    plan = checked_plan(config, methods, datasets, tables, " + ".join(map(str, files)) or "config/config.yaml")
    _check_class_lists(plan, folder.parent)
    return plan, checked_layouts(plan, read_yaml(folder / "claims.yaml"))


def checked_plan(
    config: Config, methods: Config, datasets: Config, tables: Config, source: str = "config/config.yaml"
) -> Plan:
    """The plan made of the four contents; `source` is what errors call the first, which may come from several files.

    Raises:
        UserError: something is misspelt, of the wrong type, unknown or impossible.
    """
    validate(config, "config", source)
    for content, name in ((methods, "methods"), (datasets, "datasets"), (tables, "tables")):
        validate(content, name, f"config/{name}.yaml")
    _check_names(config, methods, datasets, tables, source)
    plan = Plan(config, methods, datasets, tables)
    _check_possible(plan, source)
    return plan


def checked_layouts(plan: Plan, claims: Config) -> Layouts:
    """The layouts of reports.

    Raises:
        UserError: a claim is misspelt or names a method that it cannot be tested on.
    """
    validate(claims, "claims", "config/claims.yaml")
    for claim in claims["claims"]:
        for pair in claim["pairs"]:
            _check_known("config/claims.yaml", pair, plan.methods)
            if claim["test"] != "difference":
                _check_meta_trained(f"config/claims.yaml: {claim['test']}", pair, plan.methods)
    return Layouts(plan, claims["claims"])


def read_yaml(path: Path) -> Config:
    """Reads a YAML mapping.

    Raises:
        UserError: the file is missing or is not one.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not YAML: {error}".replace('in "<unicode string>", ', "at ")) from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a mapping of keys to values")
    return content


def _check_names(config: Config, methods: Config, datasets: Config, tables: Config, source: str) -> None:
    """Every dataset, method and backbone that is named must exist."""
    backbones = schema("config")["$defs"]["backbones"]["items"]["enum"]
    known = {"dataset": datasets, "method": methods, "backbone": backbones}
    for name, values in known.items():
        _check_known(f"{source}: {name}s", config[f"{name}s"], values)
        for index, grid in enumerate(config["grids"]):
            _check_known(f"{source}: grids[{index}].{name}s", grid.get(f"{name}s", []), values)
        for index, override in enumerate(config["overrides"]):
            if name in override["when"]:
                _check_known(f"{source}: overrides[{index}].when.{name}", listed(override["when"][name]), values)
    for name, table in tables["tables"].items():
        _check_known(f"config/tables.yaml: {name}", table.get("datasets", []), datasets)
        for group in table["groups"]:
            _check_known(f"config/tables.yaml: {name}", group["methods"], methods)
    for index, entry in enumerate(tables["paper_scale"]):
        where = f"config/tables.yaml: paper_scale[{index}]"
        for name, values in known.items():
            _check_known(f"{where}.when.{name}", listed(entry["when"].get(name, [])), values)
        _check_keys(where, {key: value for key, value in entry.items() if key != "when"}, config)
    _check_known("config/tables.yaml: figure4", tables["figure4"]["methods"], methods)
    _check_meta_trained("config/tables.yaml: figure4", tables["figure4"]["methods"], methods)
    scaled = tables["scale-shift"]["method"]
    _check_known("config/tables.yaml: scale-shift", [scaled], methods)
    if methods[scaled]["modulate"] != "ss":
        raise UserError(f"config/tables.yaml: scale-shift.method: {scaled!r} learns no scales and shifts")


def _check_keys(where: str, values: Config, config: Config) -> None:
    """Every value must be one that the config has."""
    for key, value in values.items():
        if key not in config:
            raise UserError(f"{where}.{key}: unknown key{suggestion(key, list(config))}")
        if isinstance(value, dict) != isinstance(config[key], dict):
            raise UserError(f"{where}.{key}: {value!r} is not like config/config.yaml's {config[key]!r}")
        if isinstance(value, dict):
            _check_keys(f"{where}.{key}", value, config[key])


def _check_meta_trained(where: str, names: Iterable[str], methods: Config) -> None:
    for name in names:
        if methods[name]["meta_batch"] == "none":
            raise UserError(f"{where}: {name!r} has no meta-training")


def _check_known(where: str, names: Iterable[str], existing: Collection[str]) -> None:
    for name in names:
        if name not in existing:
            raise UserError(f"{where}: {name!r} is unknown{suggestion(name, list(existing))}")


def _check_possible(plan: Plan, source: str) -> None:
    """Every dataset must have the classes and images its tasks need, and hard tasks must fill meta-batches."""
    config = plan.config
    for index, override in enumerate(config["overrides"]):
        shared, when = override.keys() & {"width", "pretrain"}, override["when"].keys() - {"dataset", "backbone"}
        if shared and when:
            raise UserError(
                f"{source}: overrides[{index}].when.{min(when)}: Θ is shared by all methods and shots, so an override "
                f"of {min(shared)} may only name a dataset and a backbone"
            )
    for dataset in plan.selected("dataset"):
        entry = plan.datasets[dataset]
        for split in SPLITS:
            if config["way"] > (has := entry["classes"][split]):
                raise UserError(f"{source}: way: {config['way']} per task: {dataset} has only {has} {split} classes")
    for cell in plan.cells():
        entry = plan.datasets[cell.dataset]
        _check_images(source, cell.dataset, entry, cell.shot, plan.query(cell.shot), "episodes.query")
        _check_cell(plan, cell, source)


def _check_cell(plan: Plan, cell: Cell, source: str) -> None:
    settings = plan.settings(dataset=cell.dataset, backbone=cell.backbone, method=cell.method, shot=cell.shot)
    entry, batch = plan.datasets[cell.dataset], settings["pretrain"]["batch_size"]
    if batch > (has := entry["classes"]["train"] * entry["images_per_class"]):
        raise UserError(f"{source}: pretrain.batch_size: {batch}, but {cell.dataset} has {has} training images")
    if not plan.meta_trained(cell.method):
        return
    meta_train, hard = settings["meta_train"], settings["hard_tasks"]
    kept = meta_train["snapshots"] if cell.method in plan.curves() else []
    for key, value in [("selected_iteration", meta_train["selected_iteration"]), *(("snapshots", at) for at in kept)]:
        if value is not None and value > meta_train["iterations"]:
            raise UserError(
                f"{source}: meta_train.{key}: {value} (for {cell.folder}) lies beyond the {meta_train['iterations']} "
                "iterations"
            )
    _check_images(source, cell.dataset, entry, cell.shot, meta_train["query"], "meta_train.query")
    if not plan.methods[cell.method]["meta_batch"].startswith("hard"):
        return
    if hard["tasks"] % meta_train["tasks"]:
        raise UserError(
            f"{source}: hard_tasks.tasks: {hard['tasks']} (for {cell.folder}) is not a multiple of "
            f"meta_train.tasks: {meta_train['tasks']}"
        )
    if hard["every"] * meta_train["tasks"] < cell.way:
        raise UserError(
            f"{source}: hard_tasks.every: {hard['every']} meta-batches of {meta_train['tasks']} tasks (for "
            f"{cell.folder}) can never fail in the {cell.way} classes of a hard task; write more"
        )


def _check_class_lists(plan: Plan, project: Path) -> None:
    """The class list of every dataset must hold as many classes as `datasets.yaml` says."""
    for dataset in plan.selected("dataset"):
        entry = plan.datasets[dataset]
        path = project / entry["split"]
        if not path.is_file():
            raise UserError(f"config/datasets.yaml: {dataset}.split: there is no file {entry['split']}")
        counts = {split: len(names) for split, names in read_class_list(path).items()}
        if counts != entry["classes"]:
            raise UserError(
                f"config/datasets.yaml: {dataset}.classes: {entry['classes']}, but {entry['split']} has {counts}"
            )


def _check_images(source: str, dataset: str, entry: Config, shot: int, query: int, key: str) -> None:
    if shot + query > (has := entry["images_per_class"]):
        raise UserError(
            f"{source}: shots: {shot} support and {query} query images per class ({key}), "
            f"but {dataset} has {has} images per class"
        )
