"""Figures of the console, measured in Chromium: to the first row, to the first sound, and the bytes that went for it.

The routes are the app's; storage is in memory, and of the long files on this machine's disk. So these are the costs of
page, browser and routes, without Azure's network.
"""

import gzip
import json
import tempfile
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, expect

from dev.console.browser import chromium, is_installed, visit
from dev.console.day import (
    CALLER,
    LEILA,
    Call,
    Day,
    DiskArchive,
    Part,
    crowd,
    quiet_day,
    record_call,
    recording_id_of,
    spec,
)
from dev.console.long_media import long_mp3, long_mp4
from dev.console.server import ConsoleServer
from dev.in_memory.fakes.probe import FakeProbe
from recording.domain.state.records import changed
from recording.http.console_files import FOLDER

RUNS = 5
RECORDINGS = 100_000
MP3_HOURS = 4
MP4_BYTES = 1_800_000_000  # four hours of ACS's video
FIRST_ROW = """async () => {
  location.hash = "#/now";
  await new Promise((done) => setTimeout(done, 400));
  const begun = performance.now();
  location.hash = "#/search?range=any";
  while (!document.querySelector(".list tbody tr")) await new Promise(requestAnimationFrame);
  return performance.now() - begun;
}"""
FIRST_SOUND = """async () => {
  const media = document.querySelector("audio, video");
  const begun = performance.now();
  document.querySelector(".round.big").click();
  while (!(media.currentTime > media.seeking + 0.02 && !media.paused)) await new Promise(requestAnimationFrame);
  return performance.now() - begun;
}"""


@dataclass(frozen=True)
class Figure:
    """One figure: the median of its runs."""

    name: str
    value: float
    unit: str


def main(target: Path, *, quick: bool) -> int:
    """Measure, print and write the figures; 2 where there is no Chromium."""
    if not is_installed():
        print("Chromium is not installed: apt-get install chromium")
        return 2
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        found = [*_page_size(), *_first_row(browser, RECORDINGS // (10 if quick else 1))]
        found += _first_sound(browser, Path(folder), 0.1 if quick else 1)
    for one in found:
        print(f"{one.name:<60} {one.value:>12,.0f} {one.unit}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n", encoding="utf-8")
    return 0


def _page_size() -> list[Figure]:
    compressed = sum(len(gzip.compress(path.read_bytes(), 9)) for path in FOLDER.iterdir() if path.is_file())
    return [Figure("the page: all of its files, compressed", compressed, "bytes")]


def _first_row(browser: Browser, count: int) -> list[Figure]:
    day = quiet_day()
    crowd(day.world, count)
    with ConsoleServer(day, lambda _: FakeProbe()) as server, visit(browser, server) as page:
        page.goto(server.url)
        expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()
        runs = [page.evaluate(FIRST_ROW) for _ in range(RUNS)]
    return [Figure(f"first row of a search among {count:,} recordings", median(runs), "ms")]


def _first_sound(browser: Browser, folder: Path, share: float) -> list[Figure]:
    mp3, mp4 = folder / "long.mp3", folder / "long.mp4"
    long_mp3(mp3, MP3_HOURS * share)
    seconds = long_mp4(mp4, round(MP4_BYTES * share))
    day = _day_of_long_files({"mp3": (mp3, MP3_HOURS * share * 3600), "mp4": (mp4, seconds)})
    with ConsoleServer(day, lambda _: FakeProbe()) as server:
        return [
            figure for name, path in (("mp3", mp3), ("mp4", mp4)) for figure in _of_file(browser, server, name, path)
        ]


def _of_file(browser: Browser, server: ConsoleServer, name: str, path: Path) -> list[Figure]:
    times, sent, far = [], [], []
    for _ in range(RUNS):
        server.sent.clear()
        with visit(browser, server) as page:
            page.goto(f"{server.url}#/recording/{server.day.ids[name]}")
            expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
            page.get_by_role("heading", level=1).click()  # a browser plays nothing before a click
            times.append(page.evaluate(FIRST_SOUND))
            sent.append(server.sent.get("media", 0))
            far.append(_far(page))
    what = f"{path.stat().st_size / 1e6:,.0f} MB {name}"
    return [
        Figure(f"first sound of a {what}, from the press of Play", median(times), "ms"),
        Figure(f"media sent until then, of a {what}", median(sent), "bytes"),
        Figure(f"sound after a jump to the middle of a {what}", median(far), "ms"),
    ]


def _far(page: Page) -> float:
    middle = """async () => {
      const media = document.querySelector("audio, video");
      const slider = document.querySelector(".seek");
      const begun = performance.now();
      const to = Number(slider.max) / 2;
      slider.value = to;
      slider.dispatchEvent(new Event("input"));
      while (!(media.currentTime > to + 0.02 && !media.seeking)) await new Promise(requestAnimationFrame);
      return performance.now() - begun;
    }"""
    return float(page.evaluate(middle))


def _day_of_long_files(files: dict[str, tuple[Path, float]]) -> Day:
    """Archive a short file of each format, and then let the long one stand in its place."""
    day = quiet_day()
    catalog, archive = day.world.fakes.catalog, day.world.fakes.archive
    for number, name in enumerate(files):
        part = Part(spec("mixed", name, 2))
        record_call(day.world, Call(name, timedelta(hours=1), (CALLER, LEILA), (part,)), number)
        day.ids[name] = recording_id_of(name)
    day.world.runs(hours=0.2, until_quiet=False)
    for name, (path, seconds) in files.items():
        chunk = catalog.chunks_of(day.ids[name])[0]
        if not isinstance(archive, DiskArchive) or chunk.facts is None:
            raise TypeError("the day is not one of this module")
        archive.files[chunk.blob_name or ""] = path
        facts = chunk.facts.model_copy(update={"duration_ms": seconds * 1000})
        catalog.save_chunk(changed(chunk, length_bytes=path.stat().st_size, duration_ms=seconds * 1000, facts=facts))
    return day
