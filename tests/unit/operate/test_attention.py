"""Attention: one model, so that no list, status or health answer is green while another is red."""

import json
from collections.abc import Callable
from datetime import timedelta

import azure.functions as func
import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, record, task
from dev.in_memory.fakes.probe import FakeProbe
from dev.in_memory.world import World, world
from recording.adapters.table.records import UnreadableRecordError
from recording.cli.__main__ import main
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkState, FallbackCopy
from recording.domain.state.recording import RecordingRecord
from recording.domain.watched import attention as model
from recording.domain.watched.attention import Attention, AttentionItem
from recording.errors import StorageBusyError, fault_of
from recording.http import routes
from recording.operate import attention
from recording.operate.attention import needs_attention
from recording.operate.doctor import examine
from recording.operate.doctor.findings import State
from tests.repo.docs.openapi import check


def _add(here: World, state: ChunkState = ChunkState.PENDING, **changes: object) -> None:
    here.fakes.catalog.add_chunk(with_changes(record(task=_fresh(here)), {"state": state, **changes}))


def _fresh(here: World, hours: float = 24) -> object:
    return task(expires_at=here.now + timedelta(hours=hours))


def at_risk(here: World) -> None:
    _add(here, task=_fresh(here, 0.5), attempts=14, last_error="source_refused", at_risk_since=here.now)


def stuck(here: World) -> None:
    due = here.now + timedelta(minutes=4)
    _add(here, attempts=14, last_error="source_refused", next_attempt_at=due)


def lost(here: World) -> None:
    _add(here, ChunkState.EXPIRED, last_error="source_refused")


def held(here: World) -> None:
    _add(here, ChunkState.QUARANTINED, quarantine_reason="media_suspect")


def fallback(here: World) -> None:
    copy = FallbackCopy(blob_name="a", length_bytes=1, sha256="b", kept_at=here.now)
    _add(here, fallback=copy, last_error="storage_refused", archive_refused_since=here.now)


def missing(here: World) -> None:
    ended = here.now - timedelta(hours=2)
    fresh = RecordingRecord(recording_id=RECORDING_ID, ended_seen_at=ended, missing_since=here.now, stands="missing")
    here.fakes.catalog.add_recording(fresh)


def incomplete(here: World) -> None:
    then = here.now - timedelta(hours=9)
    of = task(1, document_id(1), expires_at=here.now + timedelta(hours=24))
    here.fakes.catalog.add_chunk(record(ChunkState.SOURCE_DELETED, task=of, first_seen_at=then))
    here.fakes.catalog.add_recording(
        RecordingRecord(recording_id=RECORDING_ID, incomplete_since=here.now, stands="incomplete")
    )


def poisoned(here: World) -> None:
    here.fakes.queue.poison(task().model_dump_json())


def refused(here: World) -> None:
    here.announces(event(chunk(7, document_id(7), contentLocation="https://evil.example.org/x"), id="forged"))


def unreadable(here: World) -> None:
    here.fakes.catalog.fail_next("open_chunks", UnreadableRecordError("a row"), times=20)


TROUBLES = [
    (at_risk, Attention.AT_RISK),
    (stuck, Attention.STUCK),
    (lost, Attention.LOST),
    (held, Attention.HELD),
    (fallback, Attention.FALLBACK),
    (missing, Attention.MISSING),
    (incomplete, Attention.INCOMPLETE),
    (poisoned, Attention.POISONED),
    (refused, Attention.HELD),
    (unreadable, Attention.UNREADABLE),
]


def _cli(here: World, *arguments: str) -> tuple[int, str]:
    told: list[str] = []
    return main(arguments, lambda: (here.ports, here.settings), told.append), "".join(told)


def _over_http(here: World) -> dict[str, object]:
    request = func.HttpRequest("GET", "http://localhost/api/held", params={}, body=b"")
    content = json.loads(routes.list_held(request, lambda: (here.ports, here.settings)).get_body())
    check("HeldList", content)
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize(("trouble", "kind"), TROUBLES, ids=lambda value: getattr(value, "__name__", None))
def test_trouble_is_seen_everywhere(trouble: Callable[[World], None], kind: Attention) -> None:
    """Status, list, doctor and GET held say the same; no one is green while another is red."""
    here = world()
    trouble(here)
    (item,) = needs_attention(here.ports, here.settings).items
    assert (item.kind, item.recording_id in (RECORDING_ID, None)) == (kind, True)
    assert _cli(here, "status")[0] == 1
    code, text = _cli(here, "list")
    assert (code, kind.value in text) == (1, True)
    content = _over_http(here)
    assert (content["attentionCount"], content["attention"][0]["kind"]) == (1, kind.value)  # type: ignore[index]
    finding = next(f for f in examine(lambda: (here.ports, here.settings), lambda _: FakeProbe()) if f.check == "held")
    assert finding.state is State.FAILED


def test_a_calm_day_is_green_everywhere() -> None:
    """A chunk under way, one that failed once, and an archived one need nobody."""
    here = world()
    here.announces()
    _add(
        here,
        task=task(1, document_id(1), expires_at=here.now + timedelta(hours=24)),
        attempts=1,
        last_error="source_busy",
    )
    assert needs_attention(here.ports, here.settings).items == ()
    assert (_cli(here, "status")[0], _cli(here, "list")) == (0, (0, "nothing needs attention\n"))
    assert _over_http(here)["attentionCount"] == 0


def test_a_recording_that_was_missing_and_came_after_all_is_over() -> None:
    """The mark stays as a fact; the alarm does not."""
    here = world()
    missing(here)
    here.holds(task())
    here.announces()
    assert needs_attention(here.ports, here.settings).items == ()


def test_a_stuck_chunk_says_what_whose_how_often_and_when() -> None:
    """The operator need not open the log."""
    here = world()
    stuck(here)
    (item,) = needs_attention(here.ports, here.settings).items
    assert (item.reason, item.fault, item.attempts) == ("source_refused", "operator", 14)
    line = _cli(here, "list", "-o", "wide")[1]
    assert all(word in line for word in ("stuck", "yours", "source_refused ×14, next try in "))


def test_what_can_still_be_saved_comes_first() -> None:
    """The least time left, then what is lost."""
    items = [_item("lost", -1), _item("late", 5), _item("soon", 1), _item("file", None)]
    assert [item.id for item in model.by_urgency(items)] == ["soon", "late", "lost", "file"]


def _item(name: str, hours: float | None) -> AttentionItem:
    left = None if hours is None else timedelta(hours=hours)
    kind = Attention.LOST if hours == -1 else Attention.HELD
    return AttentionItem(kind, name, "x", world().now, time_left=left)


def test_a_look_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million open chunks must not hang a status; the most urgent come first."""
    here = world()
    monkeypatch.setattr(attention, "MOST_LOOKED_AT", 1)
    for number in (0, 1):
        left = task(number, document_id(number), expires_at=here.now + timedelta(minutes=number + 5))
        _add(here, task=left)
    found = needs_attention(here.ports, here.settings)
    assert ([item.index for item in found.items], found.complete) == ([0], False)


def test_storage_that_does_not_answer_is_not_called_calm() -> None:
    """Exit code 2: nothing is known."""
    here = world()
    here.fakes.catalog.fail_next("open_chunks", StorageBusyError("down"))
    assert _cli(here, "list")[0] == 2


@pytest.mark.parametrize(
    ("code", "fault"),
    [("source_refused", "operator"), ("source_busy", "nobody"), ("source_empty", "acs"), ("odd", None)],
)
def test_a_code_says_whose_fault_it_is(code: str, fault: str | None) -> None:
    """Whoever reads it knows whether to act or to wait."""
    assert fault_of(code) == fault
