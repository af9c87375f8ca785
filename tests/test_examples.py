"""The examples in docstrings do what they show."""

import doctest
import importlib

import pytest

from tests.helpers.learners import ROOT

SHOWN = sorted(path for path in ROOT.glob("mtl/**/*.py") if ">>> " in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.stem)
def test_examples_of_docstrings(path):
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
