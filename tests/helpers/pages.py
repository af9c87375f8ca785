"""What the documentation shows: files, commands and snippets, taken from the pages themselves."""

import re
import textwrap
from typing import NamedTuple

from tests.helpers.learners import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("config/*.md"), *ROOT.glob("results/*.md")])
FENCE = re.compile(
    r"^(?:<!-- (?P<action>file|append|from): (?P<file>\S+) -->\n)?"
    r"(?P<indent> *)```(?P<language>[\w{}-]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block.

    With a comment above it, it is a `file` that the reader writes, an `append` to one, or quoted `from` the project.
    """

    action: str | None
    file: str | None
    language: str
    text: str


def blocks(text):
    """The fenced blocks of a page or of a part of it."""
    return [
        Block(found["action"], found["file"], found["language"], textwrap.dedent(found["text"]))
        for found in FENCE.finditer(text)
    ]


def commands(text):
    """The commands of a block, one a line, without comments."""
    lines = (re.sub(r"(^|\s+)#.*", "", line) for line in text.replace("\\\n", "").splitlines())
    return [" ".join(line.split()) for line in lines if line]


def files(found):
    """The blocks among these that a reader writes into files."""
    return [block for block in found if block.action in ("file", "append")]


def write_file(block, project):
    """Puts a block where the page says, as a reader would."""
    path = project / block.file
    assert path.exists() == (block.action == "append"), path
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(block.text)
