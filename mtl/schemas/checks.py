"""What no schema can say: that names exist in the other files, and that tasks can be drawn."""

from typing import TYPE_CHECKING, Any

from mtl.data.split import SPLITS
from mtl.runtime.errors import UserError
from mtl.schemas import schema, suggestion

if TYPE_CHECKING:
    from mtl.plan import Plan

Config = dict[str, Any]


def check_names(config: Config, methods: Config, datasets: Config, tables: Config, source: str) -> None:
    """Checks that every dataset, method and backbone that is named exists.

    Raises:
        UserError: the first that does not.
    """
    backbones = schema("config")["properties"]["backbones"]["items"]["enum"]
    known = {"dataset": datasets, "method": methods, "backbone": backbones}
    named = [(f"{source}: datasets", config["datasets"], datasets), (f"{source}: methods", config["methods"], methods)]
    for index, override in enumerate(config["overrides"]):
        for key, names in known.items():
            if key in override["when"]:
                named.append((f"{source}: overrides[{index}].when.{key}", [override["when"][key]], names))
    for group in tables["table1"]["groups"]:
        named.append(("config/tables.yaml: table1", group["methods"], methods))
    named.append(("config/tables.yaml: convergence", tables["convergence"]["methods"], methods))
    for where, names, existing in named:
        for name in names:
            if name not in existing:
                raise UserError(f"{where}: {name!r} is unknown{suggestion(name, list(existing))}")


def check_possible(plan: "Plan", source: str) -> None:
    """Checks that every dataset has the classes and images its tasks need, and that hard tasks fill meta-batches.

    Raises:
        UserError: the first thing that cannot be drawn.
    """
    config = plan.config
    for index, override in enumerate(config["overrides"]):
        shared, when = override.keys() & {"width", "pretrain"}, override["when"].keys() - {"dataset", "backbone"}
        if shared and when:
            raise UserError(
                f"{source}: overrides[{index}].when.{min(when)}: Θ is shared by all methods and shots, so an override "
                f"of {min(shared)} may only name a dataset and a backbone"
            )
    for dataset in config["datasets"]:
        entry = plan.datasets[dataset]
        for split in SPLITS:
            if config["way"] > (has := entry["classes"][split]):
                raise UserError(f"{source}: way: {config['way']} per task: {dataset} has only {has} {split} classes")
        for shot in config["shots"]:
            _check_images(source, dataset, entry, shot, config["episodes"]["query"], "episodes.query")
    for cell in plan.cells():
        settings = plan.settings(dataset=cell.dataset, backbone=cell.backbone, method=cell.method, shot=cell.shot)
        meta_train, hard = settings["meta_train"], settings["hard_tasks"]["tasks"]
        _check_images(
            source, cell.dataset, plan.datasets[cell.dataset], cell.shot, meta_train["query"], "meta_train.query"
        )
        if hard % meta_train["tasks"]:
            raise UserError(
                f"{source}: hard_tasks.tasks: {hard} (for {cell.folder}) is not a multiple of "
                f"meta_train.tasks: {meta_train['tasks']}"
            )


def _check_images(source: str, dataset: str, entry: Config, shot: int, query: int, key: str) -> None:
    if shot + query > (has := entry["images_per_class"]):
        raise UserError(
            f"{source}: shots: {shot} support and {query} query images per class ({key}), "
            f"but {dataset} has {has} images per class"
        )
