"""Learners map episodes to query logits. One file per family of methods, one protocol (`learner.py`).

A family is a module with `build(setup)` and two constants: `KEYS`, the keys of a row of `config/methods.yaml` that it
takes in addition to those of all rows, and `INNER_STEPS`, whether it takes gradient steps within a task. A family is
found by its name. It may have more constants:

- `WHOLE_QUERY_SETS = True`: it needs all queries of a task as one set;
- `ANY_WAY = True`: what it learns serves tasks of any number of classes;
- `JOINT = True`: under `episode` statistics, support and query of a task are one set (`embedding.py`);
- `OPTIONS`: the keys that only it takes, which a row gives under `options`, with their defaults; for a choice of words,
  all of them, the default first.
"""

from mtl.learners.build import build_learner, load_learned
from mtl.learners.learner import Learner

__all__ = ["Learner", "build_learner", "load_learned"]
