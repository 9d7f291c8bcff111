"""The benchmark measures what it says it measures; how fast anything is, no test says."""

import hashlib
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from rich.console import Console

from dev.bench import (
    command,
    content,
    contests,
    figures,
    interrupted,
    plot,
    report,
    runs,
    servers,
    small_chunks,
    source,
)
from dev.bench.figures import Figure, Goal
from dev.bench.runs import OURS, Bench, Results, Run
from recording.domain.formats import FormatType
from recording.domain.media import MediaProbe


@pytest.fixture(scope="module")
def tls() -> Iterator[servers.Certificate]:
    with servers.certificate() as made:
        yield made


@pytest.fixture(scope="module")
def bench(tls: servers.Certificate) -> Iterator[Bench]:
    with servers.python_server("source", tls) as served, servers.python_server("sink", tls) as sink:
        yield Bench(tls, served, sink)


# --- the bytes -------------------------------------------------------------------------------------------------------


def test_a_file_is_the_same_however_it_is_cut() -> None:
    """A judge that depended on the cut would accept a wrong copy."""
    whole = b"".join(content.pieces(3_000_000))
    parts = [b"".join(content.pieces(3_000_000, start, start + 700_000)) for start in range(0, 3_000_000, 700_000)]
    assert (len(whole), b"".join(parts)) == (3_000_000, whole)
    assert content.sha256_of(3_000_000) == hashlib.sha256(whole).hexdigest()


def test_no_two_blocks_of_a_file_are_equal() -> None:
    """A swapped or doubled block must show."""
    blocks = [b"".join(content.pieces(64 << 20, start, start + (1 << 20))) for start in range(0, 64 << 20, 1 << 20)]
    assert len(set(blocks)) == len(blocks)


def test_an_id_tells_the_length() -> None:
    """The servers keep nothing: a name says which file it is."""
    assert content.length_of(content.location(1 << 30)) == 1 << 30


@pytest.mark.parametrize("kind", content.KINDS)
@pytest.mark.parametrize("length", [1_000_003, 3_000_000, 20_480 * 801 + 20_481])
def test_a_file_of_every_kind_opens_as_that_kind(kind: str, length: int) -> None:
    """The media check is part of what is measured: it must find what it would find in a real file."""
    probe = MediaProbe(FormatType(kind))
    parts = [bytes(piece) for piece in content.pieces(length, kind=kind)]
    for part in parts:
        probe.feed(part)
    assert probe.finish().format is FormatType(kind)
    whole = b"".join(parts)
    assert len(whole) == length
    assert b"".join(content.pieces(length, 700_001, 900_002, kind)) == whole[700_001:900_002]
    assert content.kind_of(content.location(length, kind)) == kind


# --- the servers -----------------------------------------------------------------------------------------------------


def fetch(tls: servers.Certificate, url: str, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - loopback
    trusted = ssl.create_default_context(cafile=str(tls.ca))
    with urllib.request.urlopen(request, context=trusted) as answer:  # noqa: S310 - loopback
        return answer.status, answer.read()


def test_the_source_serves_ranges(bench: Bench, tls: servers.Certificate) -> None:
    """As ACS does."""
    url = f"{bench.source.url}/v1/objects/{content.object_id(5000)}/content/video"
    assert fetch(tls, url)[1] == b"".join(content.pieces(5000))
    assert fetch(tls, url, Range="bytes=10-19") == (206, b"".join(content.pieces(5000, 10, 20)))


def test_a_throttled_source_keeps_its_pace() -> None:
    """The realistic case rests on it: never faster than it says."""
    pace, begun = source.Pace(1e6), time.monotonic()
    for _ in range(10):
        pace.wait_after(10_000)
    assert time.monotonic() - begun >= 0.1


def test_ours_and_the_sink_agree_on_every_byte(bench: Bench) -> None:
    """The real adapters, over TLS, through the proxy; the sink compares the checksum of every block."""
    before = servers.stats_of(bench.sink)["bytes_moved"]
    run = bench.ours(10_000_000, "--readback", COPY_BLOCK_MIB="1")
    assert servers.stats_of(bench.sink)["bytes_moved"] - before == 10_000_000
    assert run.seconds > 0


def test_no_import_is_measured(bench: Bench) -> None:
    """Those of the peers are not; in a copy of a second they were a tenth of its CPU."""
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED_MEANWHILE],
        env=bench.environment(),
        cwd=servers.REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []


_IMPORTED_MEANWHILE = """
import json, sys
from dev.bench import ours
ours.prepare()
work = ours.work_of(100_000)
before = set(sys.modules)
ours.run(work, is_read_back=True)
print(json.dumps([name for name in sys.modules.keys() - before if name.startswith(("recording", "awscrt"))]))
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="the floor is written in C")
def test_the_floor_moves_and_proves_every_byte(bench: Bench) -> None:
    """What everybody is compared with must do the same work."""
    before = servers.stats_of(bench.sink)["bytes_moved"]
    run = bench.floor(5_000_001, proof=True, connections=3, block_bytes=1 << 20)
    assert servers.stats_of(bench.sink)["bytes_moved"] - before == 5_000_001
    assert run.seconds > 0


def test_many_copies_in_one_process_each_tell_their_time(bench: Bench) -> None:
    """The small ones among large ones are judged by theirs."""
    run = bench.many(3, [100_000, 200_000, 3_000_000])
    assert sorted(length for length, _ in run.took) == [100_000, 200_000, 3_000_000]
    assert len(run.took_below(200_000)) == 2


def test_a_killed_copy_is_counted_and_ends(bench: Bench) -> None:
    """What the next worker finds staged need not come from the source again."""
    ratio, kills = interrupted.fetched_over_size(bench, 60_000_000, 20_000_000, lambda _: None)
    assert kills >= 1
    assert ratio >= 1.0
    assert servers.stats_of(bench.sink)["bytes_moved"] >= 60_000_000


def test_an_unknown_certificate_is_refused_by_the_archive(tls: servers.Certificate, tmp_path: Path) -> None:
    """One TLS context for all connections must be one that verifies."""
    with servers.python_server("source", tls) as served, servers.python_server("sink", tls) as sink:
        other = Bench(tls, served, sink)
        with pytest.raises(RuntimeError, match="StorageBusyError"):
            other.ours(1000, REQUESTS_CA_BUNDLE=certifi.where())


def test_the_line_and_its_floor_make_the_same_calls() -> None:
    """The floor is what the line cannot do without: its calls, made again."""
    line, floor = small_chunks.chunks_per_second(3, lambda _: None)
    assert line > 0
    assert floor > 0


# --- the numbers -----------------------------------------------------------------------------------------------------


def test_rates_are_medians_and_ratios_compare_them() -> None:
    """One slow run on a busy machine must not decide."""
    results = Results(1_000_000)
    results.runs[OURS] = [Run(0.1, 0.002, 1), Run(9.0, 0.002, 1), Run(0.2, 0.002, 1)]
    results.runs["other"] = [Run(1.0, 1, 1)]
    assert results.rate(OURS) == pytest.approx(5.0)
    assert results.ratio(OURS, "other") == pytest.approx(5.0)
    assert results.ratio(OURS, "absent") is None
    assert results.cpu_per_gb(OURS) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("goal", "reached"),
    [
        (Goal("more", 2, 3, 2.0), True),
        (Goal("more", 2, 3, 1.9), False),
        (Goal("less", 2, 1, 2.0, at_most=True), True),
        (Goal("less", 2, 1, 2.1, at_most=True), False),
        (Goal("none", 2, 1, None), None),
    ],
)
def test_a_goal_is_reached_or_not_or_unknown(goal: Goal, reached: bool | None) -> None:
    """What was not measured is not called reached."""
    assert goal.is_reached is reached


def test_every_peer_can_be_run_by_its_name() -> None:
    """The figures name peers that the script has."""
    names = {contests.SAMPLE, *contests.SINGLE, *contests.HASHING}
    script = Path(runs.__file__).with_name("peers.py").read_text(encoding="utf-8")
    assert all(f'"{name}": ' in script for name in names)


def test_an_unknown_figure_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The first thing that a newcomer gets wrong."""
    assert command.main(["speed"], quick=True, out=tmp_path / "x.json", write_docs=False) == 2
    assert "throttled" in capsys.readouterr().out


def test_the_page_and_the_plot_hold_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures in documents come from a command."""
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "PLOT", tmp_path / "performance.svg")
    grid = {"mb_per_second_by_slots_and_block_mib": {"4": {"1": 30.0}}}
    memory = {"sizes_mb": [64], "rss_mb": {"fast": [40.0]}}
    found = report.gathered(
        {"slots": Figure([Goal("a figure", 1, None, 2.0)], grid), "memory": Figure([], memory)}, 61.0
    )
    report.save(found, tmp_path / "figures.json")
    report.write_page(json.loads((tmp_path / "figures.json").read_text()))
    text = page.read_text(encoding="utf-8")
    assert "| a figure | 2.00 × | ≥ 1 |" in text
    assert "The machine was quiet" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "4 slots of 1 MiB: 30 MB/s" in (tmp_path / "performance.svg").read_text()
    report.show({"slots": Figure([Goal("a figure", 1, None, 2.0)], grid)}, Console(file=(tmp_path / "out").open("w")))


def test_a_peer_that_did_not_run_is_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ratio to the best peer means nothing when a better one was left out silently."""
    results = Results(1_000_000)
    results.missing["azcopy pipe"] = "[Errno 13] Permission denied"
    figure = Figure([], {"with proof": results.as_json()})
    page = tmp_path / "performance.md"
    page.write_text("<!-- figures: begin --><!-- figures: end -->", encoding="utf-8")
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "PLOT", tmp_path / "performance.svg")
    with (tmp_path / "out").open("w", encoding="utf-8") as out:
        report.show({"fast": figure}, Console(file=out, width=200))
    report.write_page(report.gathered({"fast": figure}, 1.0))
    shown = (tmp_path / "out").read_text(encoding="utf-8")
    assert "fast, with proof: azcopy pipe did not run: [Errno 13] Permission denied" in shown
    assert "fast, with proof: azcopy pipe did not run: `[Errno 13] Permission denied`" in page.read_text("utf-8")


def test_a_run_that_others_disturbed_marks_the_whole_table(tmp_path: Path) -> None:
    """A busy neighbour doubles times: such figures are shown, and not compared."""
    results = Results(1_000_000)
    results.runs[OURS] = [Run(0.1, 0.1, 1), Run(0.2, 0.1, 1, disturbed=0.3)]
    figure = Figure([], {"with digest": results.as_json()})
    with (tmp_path / "out").open("w", encoding="utf-8") as out:
        report.show({"fast": figure}, Console(file=out, width=200))
    assert "NOT QUIET: during 1 of 2 runs" in (tmp_path / "out").read_text(encoding="utf-8")


def test_figures_of_several_runs_stand_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a contest of its own: who measures one again need not measure all."""
    page = tmp_path / "performance.md"
    page.write_text("<!-- figures: begin --><!-- figures: end -->", encoding="utf-8")
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "PLOT", tmp_path / "performance.svg")
    loud = Results(1_000_000)
    loud.runs[OURS] = [Run(0.1, 0.1, 1, disturbed=0.3)]
    file = tmp_path / "figures.json"
    first = {
        "fast": Figure([Goal("one", 1, None, 2.0)], {"x": loud.as_json()}),
        "memory": Figure([Goal("two", 1, 2, 2)]),
    }
    report.save(report.gathered(first, 100.0), file)
    again = report.gathered({"memory": Figure([Goal("two", 1, None, 3.0)])}, 10.0, report.read(file))
    report.write_page(again)
    text = page.read_text("utf-8")
    assert "| one | 2.00 × | ≥ 1 |" in text
    assert "| two | 3.00 × | ≥ 1 |" in text
    assert "fast (1 of 1 runs)" in text


def test_a_file_of_another_form_or_machine_is_not_added_to(tmp_path: Path) -> None:
    """Figures of two machines in one table compare nothing."""
    file = tmp_path / "figures.json"
    assert report.read(file) is None
    report.save({"machine": "another one", "figures": {}}, file)
    assert report.read(file) is None
    report.save({"machine": report.machine(), "figures": {"fast": {"with proof": {}}}}, file)
    assert report.read(file) is None


def test_what_others_use_is_noticed() -> None:
    """By the CPU of the whole machine, without that of our own processes."""
    run = runs._report([sys.executable, "-c", 'print(\'{"seconds": 1, "cpu": 1, "rss_mb": 1}\')'], dict(os.environ))
    assert 0.0 <= run.disturbed <= 1.5


def test_the_table_holds_what_the_copy_is_judged_by() -> None:
    """`python -m dev bench table` measures them all."""
    assert {"throttled", "fast", "shapes", "many", "one-core", "latency", "memory", "killed", "cost"} <= set(
        figures.TABLE
    )


def test_a_plot_without_figures_is_empty_and_no_error() -> None:
    """One figure can be run alone."""
    assert plot.plot({}).startswith("<svg")
