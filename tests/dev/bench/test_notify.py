"""The bench of events measures what it says: every event is there, and its lag is from the state change on."""

from pathlib import Path

import pytest

from dev.bench import notify
from dev.bench.notify_load import SECRET
from dev.bench.notify_sink import running_sink
from dev.bench.report import put_block
from dev.bench.small_chunks import calls_of_a_chunk


def test_every_event_of_the_load_is_counted_with_its_lag() -> None:
    """Over real HTTP, in processes of their own; how fast it is, no test says."""
    with running_sink() as sink:
        lag = notify.lag_under(40, 1.0, sink, lambda _: None)
        assert lag["events"] == len(sink.arrivals()) == 40
        assert 0 < lag["p50_s"] <= lag["p99_s"] <= lag["most_s"]


def test_what_must_be_reached_is_told_beside_what_was_measured() -> None:
    """A line that loses a tenth is not reached, whatever the lag."""
    lag = {"rate": 1000, "events": 15000, "p50_s": 0.01, "p99_s": 0.2, "most_s": 0.4}
    line = {
        "calls": {"with": 25, "without": 24},
        "chunks": 40,
        "late": 150,
        "cpu_ratio": 1.05,
        "ratio": 1.1,
        "burst_ratios": [0.9, 1.0, 1.2],
        "turns": 400,
        "rounds": {"with": [9.0], "without": [10.0]},
        "p50_s": 20.0,
        "p99_s": 47.0,
    }
    goals = notify.goals_of(lag, line)
    assert [goal.is_reached for goal in goals] == [True, True, False, False, False]
    text = notify.text_of(goals, lag, line, "`command`", "load 0.1", 300)
    assert "| 10.00 % | NOT reached |" in text
    assert "| 5.00 % | NOT reached |" in text


@pytest.mark.azurite
def test_the_line_makes_the_same_calls_with_events_and_without() -> None:
    """What goes out is derived from what the line leaves behind; the line itself does nothing for it."""
    with running_sink() as sink:
        calls = calls_of_a_chunk(sink.settings(SECRET))
    assert calls == calls_of_a_chunk()
    assert ("source", "delete") in calls


def test_a_block_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    """Each command writes its own block; a page without it is refused."""
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n<!-- y: begin -->\ny\n<!-- y: end -->\n")
    put_block(page, "x", "new\n")
    assert page.read_text() == "a\n<!-- x: begin -->\nnew\n<!-- x: end -->\nb\n<!-- y: begin -->\ny\n<!-- y: end -->\n"
    with pytest.raises(ValueError, match="no block"):
        put_block(page, "z", "new\n")
