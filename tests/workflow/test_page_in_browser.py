"""The page in Chromium: nothing fails, nothing is asked for, nothing is cut, and axe finds no serious fault."""

import pytest

from tests.helpers.browser import browser

SIZES = {"desk": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@pytest.fixture(params=[(size, scheme) for size in SIZES for scheme in ("light", "dark")], ids="-".join)
def opened(chromium, finished, request):
    """The page, what the browser complained of, and what it asked for."""
    size, scheme = request.param
    width, height = SIZES[size]
    page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    complaints, asked = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((finished / "results/report.html").as_uri())
    yield page, complaints, asked
    page.close()


def test_nothing_fails_and_nothing_leaves_the_page(opened):
    page, complaints, asked = opened
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [page.url]


def test_every_picture_is_drawn(opened):
    page, *_ = opened
    pictures = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(pictures) > 40
    assert min(pictures) > 0
    drawings = page.evaluate(
        "[...document.querySelectorAll('svg')].filter(svg => svg.checkVisibility())"
        ".map(svg => svg.getBoundingClientRect()).map(box => Math.min(box.width, box.height))"
    )
    assert len(drawings) > 40
    assert min(drawings) > 0


def test_the_page_does_not_move_sideways(opened):
    page, *_ = opened
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    # What is wider than the page lies in a box that can be moved, by keyboard, too.
    lost = page.evaluate(
        "[...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth + 1"
        " && !one.closest('.wide, pre, .skip')).map(one => one.outerHTML.slice(0, 80))"
    )
    assert lost == []


def test_every_link_lands_on_what_it_names(opened):
    page, *_ = opened
    for link in page.evaluate("[...new Set([...document.links].map(link => link.hash))]"):
        page.evaluate("hash => { location.hash = hash; }", link)
        page.wait_for_function("hash => document.getElementById(hash.slice(1)).checkVisibility()", arg=link)


def test_axe_finds_no_serious_fault(opened):
    from axe_playwright_python.sync_playwright import Axe

    page, *_ = opened
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    found = Axe().run(page).response["violations"]
    faults = [
        (fault["id"], fault["nodes"][0]["html"], len(fault["nodes"]))
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]
    assert faults == []


def test_the_page_is_small_enough_to_open_at_once(finished):
    assert (finished / "results/report.html").stat().st_size < 3_000_000
