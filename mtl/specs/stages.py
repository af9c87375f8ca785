"""The entry points of the stages that train or score: where the code of a job begins."""

from mtl.runtime.extensions import module_of

STAGES = {
    "pretrain": "training.pretrain:pretrain",
    "meta_train": "training.meta_train:meta_train",
    "evaluate": "evaluation.evaluate:evaluate",
    "curve": "evaluation.curve:curve",
}


def entry_points(stage: str, backbone: str, *, learner: str | None = None, optimizer: str | None = None) -> list[str]:
    """What `mtl.runtime.fingerprint` takes for a job of a stage.

    Args:
        stage: a key of `STAGES`.
        backbone: a module of `mtl.networks`.
        learner: a module of `mtl.learners`; pre-training has none.
        optimizer: an optimiser of `mtl.training.optimizers`; only pre-training has one.
    """
    named = [f"networks.{backbone}:build"]
    named += [f"learners.{learner}:build"] if learner else []
    named += [f"training.optimizers.{module_of(optimizer)}:build"] if optimizer else []
    return [STAGES[stage], "specs.reading:from_json", *named]
