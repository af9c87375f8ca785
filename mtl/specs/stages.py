"""The entry points of the stages that train or score: where the code of a job begins."""

STAGES = {
    "pretrain": "training.pretrain:pretrain",
    "meta_train": "training.meta_train:meta_train",
    "evaluate": "evaluation.evaluate:evaluate",
    "curve": "evaluation.curve:curve",
}


def entry_points(stage: str, backbone: str, learner: str | None = None) -> list[str]:
    """What `mtl.runtime.fingerprint` takes for a job of a stage.

    Args:
        stage: a key of `STAGES`.
        backbone: a module of `mtl.networks`.
        learner: a module of `mtl.learners`; pre-training has none.
    """
    named = [f"networks.{backbone}:build", *([f"learners.{learner}:build"] if learner else [])]
    return [STAGES[stage], "specs.reading:from_json", *named]
