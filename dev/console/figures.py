"""Figures of the console, measured in Chromium: to the first row, to the first sound, and the bytes that went for it.

The routes are the app's; storage is in memory, and of the long files on this machine's disk. So these are the costs of
page, browser and routes, without Azure's network.
"""

import os
import re
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, expect

from dev.bench.report import load_since, machine, put_block, save
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
from dev.media.spec import MP3_BITS_PER_SECOND
from recording.domain.state.records import changed, stored_name
from recording.http.console_files import files
from recording.library.listening import MOST_BYTES

RUNS = 5
RECORDINGS = 100_000
HOURS = 4
MP4_BYTES = 1_800_000_000  # four hours of ACS's video
READ = 0.0000005  # USD, one read of a blob, hot
PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
COST = PAGE.with_name("cost.md")
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

    @property
    def shown(self) -> str:
        """Return it as people read it."""
        if self.unit == "bytes":
            return f"{self.value / 1e6:,.1f} MB" if self.value >= 1e6 else f"{self.value / 1e3:,.0f} KB"
        return f"{self.value:,.4f} {self.unit}" if self.unit == "cents" else f"{self.value:,.0f} {self.unit}"


def main(target: Path, *, quick: bool, write_docs: bool = False) -> int:
    """Measure, print and write the figures; 2 where there is no Chromium."""
    if not is_installed():
        print("Chromium is not installed: apt-get install chromium")
        return 2
    before = os.getloadavg()[0]
    share = 0.1 if quick else 1.0
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        found = [*_page(browser), *_first_row(browser, round(RECORDINGS * share))]
        found += _first_sound(browser, Path(folder), share)
    found += _an_hour()
    load = load_since(before)
    for one in found:
        print(f"{one.name:<72} {one.shown:>12}")
    print(load)
    save({"machine": machine(), "load": load, "quick": quick, "figures": [asdict(one) for one in found]}, target)
    if write_docs:
        _write(found, load, "python -m dev bench console --write-docs" + (" --quick" if quick else ""))
    return 0


def _write(found: list[Figure], load: str, command: str) -> None:
    """Put the figures between the marks of docs/performance.md."""
    rows = "".join(f"| {one.name} | {one.shown} |\n" for one in found)
    told = f"`{command}` on {datetime.now(UTC):%Y-%m-%d}, medians of {RUNS} runs: {machine()}; {load}.\n"
    put_block(PAGE, "console figures", f"{told}\n| | measured |\n|---|---|\n{rows}")


def _page(browser: Browser) -> list[Figure]:
    """Open the page with nothing kept, and count what goes over the wire for it, headers and all."""
    day = quiet_day()
    with ConsoleServer(day, lambda _: FakeProbe()) as server, visit(browser, server) as page:
        sizes: dict[str, float] = {}
        urls: dict[str, str] = {}
        session = page.context.new_cdp_session(page)
        session.on(
            "Network.responseReceived", lambda event: urls.update({event["requestId"]: event["response"]["url"]})
        )
        session.on(
            "Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]})
        )
        session.send("Network.enable")
        page.goto(server.url)
        expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()
        expect(page.locator(".loading")).to_have_count(0)
        page.wait_for_load_state("networkidle")
        sent = sum(size for request, size in sizes.items() if "/api/console/api/" not in urls.get(request, ""))
    bodies = sum(len(file.compressed or file.content) for file in files().values())
    return [
        Figure(f"all {len(files())} files of the page, compressed", bodies, "bytes"),
        Figure("the same as transferred by HTTP/1.1, with all headers", sent, "bytes"),
    ]


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
    long_mp3(mp3, HOURS * share)
    seconds = long_mp4(mp4, round(MP4_BYTES * share), HOURS * share)
    day = _day_of_long_files({"mp3": (mp3, HOURS * share * 3600), "mp4": (mp4, seconds)})
    with ConsoleServer(day, lambda _: FakeProbe()) as server:
        return [
            figure
            for name, path in (("mp3", mp3), ("mp4", mp4))
            for figure in _of_file(browser, server, f"{HOURS * share:g} hours of {name}", name, path)
        ]


def _of_file(browser: Browser, server: ConsoleServer, what: str, name: str, path: Path) -> list[Figure]:
    times, sent, asked, far = [], [], [], []
    for _ in range(RUNS):
        server.sent.clear()
        server.seen.clear()
        with visit(browser, server) as page:
            page.goto(f"{server.url}#/recording/{server.day.ids[name]}")
            expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
            page.get_by_role("heading", level=1).click()  # a browser plays nothing before a click
            times.append(page.evaluate(FIRST_SOUND))
            sent.append(server.sent.get("media", 0))
            asked.append(sum(target.endswith("/media") for _, target, _ in server.seen))
            far.append(_far(page))
    long = f"{what} ({path.stat().st_size / 1e6:,.0f} MB)"
    return [
        Figure(f"{long}: first sound after *Play*, pressed as soon as it is there", median(times), "ms"),
        Figure(f"{long}: media sent until then, in {counted(median(asked), 'part')}", median(sent), "bytes"),
        Figure(f"{long}: sound after a jump to the middle", median(far), "ms"),
    ]


def counted(count: float, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count:g} {noun}{'' if count == 1 else 's'}"


def _an_hour() -> list[Figure]:
    """Return what an hour of listening costs by the prices of docs/cost.md: through the app, and by a link.

    Through the app: an execution for each part, taken to last half a second in an instance of 2 GB, a read of storage,
    and a row of the trail for each minute. By a link: a read for each part that a browser asks for.
    """
    prices = prices_of(COST.read_text(encoding="utf-8"))
    found = []
    for name, bytes_an_hour in (("mp3", MP3_BITS_PER_SECOND / 8 * 3600), ("mp4", MP4_BYTES / HOURS)):
        parts = ceil(bytes_an_hour / MOST_BYTES)
        app = parts * (prices["execution"] + 0.5 * 2 * prices["gb_second"] + READ) + 2 * 60 * prices["row"]
        found += [
            Figure(f"an hour of {name} heard through the app, {parts} parts", app * 100, "cents"),
            Figure(f"an hour of {name} heard by a link to storage (SAS)", parts * READ * 100, "cents"),
        ]
    return found


def prices_of(page: str) -> dict[str, float]:
    """Return the prices of docs/cost.md by their names."""
    return {name: float(price) for name, price in re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", page, re.MULTILINE)}


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
        archive.files[stored_name(chunk)] = path
        facts = chunk.facts.model_copy(update={"duration_ms": seconds * 1000})
        catalog.save_chunk(changed(chunk, length_bytes=path.stat().st_size, duration_ms=seconds * 1000, facts=facts))
    return day
