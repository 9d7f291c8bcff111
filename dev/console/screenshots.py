"""Pictures of each screen for docs/console.md and the README: light, dark, and 320 pixels wide."""

import io
import json
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from dev.console.browser import chromium, is_installed, visit
from dev.console.day import Day, busy_day
from dev.console.server import ConsoleServer
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.keep_world import put_rule
from recording.library.handover.export import export_message, request_export
from recording.library.keep.erasures import approve_erasure, request_erasure
from recording.library.keep.holds import place_hold

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
COLOURS = 128  # of the palette: a third of the bytes, and nothing to be seen of it
FORMS = {"light": (1200, 780, "light"), "dark": (1200, 780, "dark"), "320": (320, 640, "light")}
SCREENS = {
    "now": "now",
    "search": "search?range=any",
    "recording": "recording/{unmixed}?t=12",
    "kept": "kept",
    "requests": "requests",
    "held": "held",
    "audit": "audit",
    "health": "health",
    "many": "recording/{five}?t=7",
    "video": "recording/{mp4}",
    "chunks": "recording/{long}?t=64",
}


def main(folder: Path) -> int:
    """Write the pictures; 2 where there is no Chromium."""
    if not is_installed():
        print("Chromium is not installed: apt-get install chromium")
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    probe = FakeProbe()
    day = busy_day(40)
    probe.time = day.now
    written = 0
    with ConsoleServer(day, lambda _: probe) as server, chromium() as browser:
        _use(browser, server, day)
        for form in FORMS:
            written += sum(_picture(browser, server, name, form, folder) for name in SCREENS)
    print(f"{len(SCREENS) * len(FORMS)} pictures, {written:,} bytes: {folder}")
    return 0


def _use(browser: Browser, server: ConsoleServer, day: Day) -> None:
    """Hear, tag, verify, hold, hand over and ask for an erasure, so that every screen has something to show."""
    here = day.world
    ports, settings = here.ports, here.settings
    put_rule(here, "delete", 20, "night desk", when={"tags": {"queue": "night desk"}})
    place_hold(day.ids["unmixed"], "C-7731", "court order of 20 November", "legal", ports)
    taken = request_export({"recordings": [day.ids["mp3"]], "note": "complaint 88"}, "legal", ports, settings)
    export_message(json.dumps({"exportId": taken["exportId"]}), ports, settings)
    request_export({"tag": "case:C-7731"}, "legal", ports, settings)
    for name, reason in (("mp3", "request of 3 November"), ("wav", "request of 12 November")):
        made = request_erasure({"recordings": [day.ids[name]], "reason": reason}, "data-protection", ports, settings)
    approve_erasure(made.erasure_id, "counsel", ports, settings)
    with visit(browser, server) as page:
        page.goto(f"{server.url}#/recording/{day.ids['mp3']}")
        page.get_by_role("button", name="Play", exact=True).click()
        expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
        page.get_by_role("button", name="Verify now").click()
        expect(page.get_by_text("nothing differs")).to_be_visible()
        page.get_by_label("Tag name").fill("complaint")
        page.get_by_label("Tag value").fill("C-88")
        page.get_by_role("button", name="Add tag").click()
        expect(page.get_by_text("Saved.")).to_be_visible()


def _picture(browser: Browser, server: ConsoleServer, name: str, form: str, folder: Path) -> int:
    width, height, scheme = FORMS[form]
    with visit(browser, server, width=width, height=height, scheme=scheme) as page:
        page.goto(f"{server.url}#/{SCREENS[name].format(**server.day.ids)}")
        _settle(page)
        shown = page.screenshot(animations="disabled")
    path = folder / f"console-{name}-{form}.png"
    with Image.open(io.BytesIO(shown)) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    return path.stat().st_size


def _settle(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)
    if page.locator(".player").count():
        expect(page.locator(".player.drawn")).to_be_visible()
