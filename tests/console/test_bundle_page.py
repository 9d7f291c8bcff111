"""The page of a bundle, opened from a disk: it plays, asks nobody, and is read on any screen and by a screen reader."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from dev.in_memory.builders import RECORDING_ID
from tests.console.conftest import AXE
from tests.unit.library.handover.test_export import archived, asks, bundle, works

WORDS = '\N{RIGHT-TO-LEFT OVERRIDE}"><img src=https://elsewhere.example/x onerror=alert(1)>'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle as somebody unpacks it, of a recording whose tags are hostile."""
    here = archived()
    row = here.fakes.catalog.recordings[RECORDING_ID]
    here.fakes.catalog.save_recording(row.model_copy(update={"tags": {"case": WORDS, "long": "x" * 400}}))
    export_id = asks(here)
    works(here)
    made = tmp_path_factory.mktemp("bundle")
    with zipfile.ZipFile(BytesIO(bundle(here, export_id))) as opened:
        opened.extractall(made)
    return made


@contextmanager
def opened(
    browser: Browser, folder: Path, *, width: int = 1000, scheme: str = "light"
) -> Iterator[tuple[Page, list[str]]]:
    """Open the page offline; every request that is not a file, and every error in the page, is noted."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light", offline=True
    )
    page, noted = context.new_page(), list[str]()

    def look(request: Request) -> None:
        if not request.url.startswith("file:"):
            noted.append(request.url)

    page.on("request", look)
    page.on("pageerror", lambda error: noted.append(str(error)))
    page.on("console", lambda line: noted.append(line.text) if line.type == "error" else None)
    try:
        page.goto((folder / "index.html").as_uri())
        yield page, noted
    finally:
        context.close()


def test_every_part_is_heard_and_nobody_is_asked(browser: Browser, folder: Path) -> None:
    with opened(browser, folder) as (page, noted):
        players = page.locator("audio")
        expect(players).to_have_count(2)
        for player in players.all():
            seconds = player.evaluate(
                """one => new Promise((done, failed) => {
                    one.onloadedmetadata = () => done(one.duration)
                    one.onerror = () => failed(new Error(one.error.message))
                    one.preload = "auto"
                    one.load()
                })"""
            )
            assert seconds > 0
        assert noted == []


def test_what_callers_wrote_is_text(browser: Browser, folder: Path) -> None:
    with opened(browser, folder) as (page, noted):
        expect(page.locator("img")).to_have_count(0)
        expect(page.get_by_text("onerror=alert(1)")).to_be_visible()
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page.locator("body").inner_text()
        assert noted == []


def test_each_link_leads_to_a_file_of_the_bundle(browser: Browser, folder: Path) -> None:
    with opened(browser, folder) as (page, _):
        page.locator("summary").first.click()
        names = page.locator("a").evaluate_all("links => links.map(one => one.href)")
    assert len(names) > 8
    base = folder.as_uri()
    assert all(name.startswith(base) and (folder / name.removeprefix(base).lstrip("/")).is_file() for name in names)


@pytest.mark.parametrize("width", [320, 1000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_read_on_any_screen_and_by_a_screen_reader(
    browser: Browser, folder: Path, width: int, scheme: str
) -> None:
    """Nothing sticks out, and axe finds nothing: names of players, contrast, landmarks, order of headings."""
    with opened(browser, folder, width=width, scheme=scheme) as (page, _):
        page.locator("summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        labels = page.locator("audio").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
        assert [label.split(",")[0] for label in labels] == ["Part 1 of 2", "Part 2 of 2"]
        background = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
        assert background == "light dark"
    if AXE.is_file():
        assert violations(browser, folder, width, scheme) == []


def violations(browser: Browser, folder: Path, width: int, scheme: str) -> list[str]:
    """Run axe; the page's own policy allows no script, so it is run past it."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,
        offline=True,
    )
    try:
        page = context.new_page()
        page.goto((folder / "index.html").as_uri())
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run()")
        return [f"{one['id']}: {json.dumps(one['nodes'][0]['html'])}" for one in found["violations"]]
    finally:
        context.close()
