"""A page in a real browser."""

import os
import shutil
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def browser():
    """Chromium without a window; a test that has none is skipped, but not in continuous integration."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        sync_playwright = None
    if program is None or sync_playwright is None:
        lacking = "no Chromium on PATH" if program is None else "no playwright: pip install '.[dev]'"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacking)
    with sync_playwright() as playwright:
        # Its sandbox needs rights that containers lack; the pages are our own.
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()
