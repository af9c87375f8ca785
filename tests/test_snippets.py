"""The Python that pages show runs, page by page; files of the reader's are run by tests/workflow."""

import pytest

from tests.helpers.learners import ROOT
from tests.helpers.pages import PAGES, blocks

CODE = {
    str(page.relative_to(ROOT)): [block.text for block in found]
    for page in PAGES
    if (
        found := [
            block
            for block in blocks(page.read_text(encoding="utf-8"))
            if block.language == "python" and not block.action
        ]
    )
}


@pytest.mark.parametrize("page", CODE)
def test_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for text in CODE[page]:
        exec(compile(text, page, "exec"), names)  # noqa: S102


def test_three_lines_give_a_network_under_scaling_and_shifting():
    names = {}
    exec(CODE["docs/api.md"][0], names)  # noqa: S102
    backbone = names["backbone"]
    learned = {name for name, value in backbone.named_parameters() if value.requires_grad}
    assert len(learned) == 24
    assert all(name.endswith((".scale", ".shift")) for name in learned)
    assert len([line for line in CODE["docs/api.md"][0].splitlines() if line]) == 3
    assert CODE["README.md"] == CODE["docs/api.md"][:1]


def test_code_that_a_page_quotes_is_that_of_its_file():
    quotes = [block for page in PAGES for block in blocks(page.read_text(encoding="utf-8")) if block.action == "from"]
    assert quotes
    for block in quotes:
        quoted, there = (
            "\n".join(line.strip() for line in text.splitlines())
            for text in (block.text, (ROOT / block.file).read_text(encoding="utf-8"))
        )
        assert f"\n{quoted}\n" in there, f"{block.file} has no longer:\n{block.text}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_fence_is_a_block(page):
    """So that nothing which a page shows is overlooked."""
    text = page.read_text(encoding="utf-8")
    assert sum(line.lstrip().startswith("```") for line in text.splitlines()) == 2 * len(blocks(text))
