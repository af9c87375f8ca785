"""The documentation site. Sphinx reads the pages where they are in the repository; `toc.yml` orders them.

Pages are written for GitHub as much as for the site, so what only the site needs is done here.
"""

import re
from pathlib import Path
from typing import Any

project = html_title = "Meta-Transfer Learning, reproduced"
extensions = [
    "myst_parser",
    "sphinx_external_toc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinxcontrib.mermaid",
]
include_patterns = ["*.md", "docs/**", "config/README.md", "results/README.md"]
exclude_patterns = [".*", "logs", "resources", "site"]
external_toc_path = "docs/toc.yml"
templates_path = ["templates"]
html_additional_pages = {"index": "index.html"}
html_theme = "furo"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

# Docstrings are written in Markdown's way, with single backticks around code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"

LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)\)")


def point_folders_somewhere(app: Any, page: str, source: list[str]) -> None:
    """A link to a folder leads to its README, if it has one; otherwise only its text stays."""
    here = Path(app.srcdir, page).parent

    def written(link: re.Match[str]) -> str:
        folder = here / link[2]
        if not folder.is_dir():
            return link[0]
        return f"[{link[1]}]({link[2]}/README.md)" if (folder / "README.md").exists() else link[1]

    source[0] = LINK.sub(written, source[0])


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("source-read", point_folders_somewhere)
