"""Learners: what maps an episode to query logits. One file per family of methods, one protocol."""

from mtl.learners.build import build_learner, load_learned
from mtl.learners.learner import Learner

__all__ = ["Learner", "build_learner", "load_learned"]
