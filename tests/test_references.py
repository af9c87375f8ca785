"""Pages that are generated are those that would be generated now."""

import subprocess
import sys

from tests.helpers.learners import ROOT


def test_the_reference_of_the_command_line_is_current():
    done = subprocess.run(
        [sys.executable, "-m", "typer", "mtl.cli", "utils", "docs", "--name", "mtl"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == (ROOT / "docs/cli.md").read_text(encoding="utf-8").strip()
