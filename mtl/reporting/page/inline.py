"""Figures and Markdown reports as parts of a page."""

import re
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup

from mtl.runtime.errors import UserError

# What refers to a name within an SVG, and where names are given.
_NAMES = re.compile(r'(\bid="|url\(#|href="#)([^")]+)')

# How far a figure grows and shrinks, in pixels by its own points, so that its letters are neither huge nor tiny.
LARGEST, SMALLEST = 1.7, 1.0


def inline_svg(path: Path, title: str) -> Markup:
    """A figure as an element of a page.

    It takes the width that it is given, has a name for those who cannot see it, and its own names within the page.

    Raises:
        UserError: it is no SVG.
    """
    text = path.read_text(encoding="utf-8")
    start = re.search(r"<svg\b[^>]*>", text)
    box = re.search(r'viewBox="([^"]+)"', start[0]) if start else None
    if start is None or box is None:
        raise UserError(f"{path}: is no SVG with a viewBox; delete it and run again")
    width = float(box[1].split()[2])
    inner = re.sub(r"<metadata>.*?</metadata>|<metadata/>", "", text[start.end() :], flags=re.DOTALL)
    inner = _NAMES.sub(rf"\g<1>{path.stem}-\g<2>", inner)
    opening = Markup(
        '<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{}" role="img" aria-label="{}" '
        'style="max-width:{:.0f}px;min-width:{:.0f}px">'
    ).format(box[1], title, LARGEST * width, SMALLEST * width)
    return opening + Markup(inner)  # noqa: S704 - drawn by this project


def html(markdown: str) -> Markup:
    """The elements of a report in Markdown, without its heading; each table in a box that can be moved sideways."""
    body = re.sub(r"\A# .*\n", "", markdown)
    # Headings of the report go below those of the page.
    body = re.sub(r"^(#+) ", r"#\1 ", body, flags=re.MULTILINE)
    rendered: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(body)
    boxed = '<div class="wide" tabindex="0" role="group" aria-label="table">'
    rendered = rendered.replace("<table>", f"{boxed}<table>").replace("</table>", "</table></div>")
    rendered = re.sub(r' style="text-align:(\w+)"', r' class="\1"', rendered)
    return Markup(rendered)  # noqa: S704 - without HTML of its own


def below_the_table(markdown: str) -> str:
    """What a table's page says below its table: what the numbers are, and how they were made."""
    paragraphs = markdown.partition("\n## ")[0].split("\n\n")
    last = max((place for place, text in enumerate(paragraphs) if text.startswith("|")), default=0)
    # The page gives reasons in the section of each number.
    return "\n\n".join(text for text in paragraphs[last + 1 :] if not text.startswith("[")).strip()
