"""Decide: whatever needs attention can be brought to an end, with a note, and each end leaves its rows in the trail."""

from datetime import timedelta

import pytest

from dev.in_memory.builders import RECORDING_ID, chunk, event, metadata, task, wav
from dev.in_memory.world import World, world
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkRecord, ChunkState
from recording.domain.state.recording import LastAction, RecordingRecord
from recording.domain.state.records import changed
from recording.domain.state.transitions import moved
from recording.domain.watched.attention import Attention
from recording.errors import RequestError, StorageBusyError
from recording.operate.attention import needs_attention
from recording.operate.decide import accept, dismiss, retry
from recording.ports import QuarantineEntry

NOTE = "Heard it; customer agreed."


def kinds(here: World) -> list[Attention]:
    return [item.kind for item in needs_attention(here.ports, here.settings).items]


def held_chunk(here: World, state: ChunkState = ChunkState.QUARANTINED) -> str:
    here.holds(task())
    here.announces()
    here.fakes.queue.sent.clear()
    here.fakes.catalog.save_chunk(moved(here.record(), state, quarantine_reason="media_suspect", changed_at=here.now))
    return f"{RECORDING_ID}/{task().key}"


def missing(here: World) -> str:
    ended = RecordingRecord(
        recording_id=RECORDING_ID, started_here=True, last_action=LastAction.STOPPED, last_action_at=here.now
    )
    here.fakes.catalog.add_recording(ended)
    here.fakes.clock.advance(hours=2)
    here.reconciles()
    return RECORDING_ID


def refused(here: World) -> str:
    return here.fakes.quarantine.put(QuarantineEntry("unreadable_event", "no JSON", "x", "event_queue", here.now))


def suspect(here: World) -> str:
    """Let a chunk end with half of what its metadata tells."""
    here.holds(task(), wav(2000), metadata(chunkDuration=60_000))
    here.fakes.queue.send(task())
    here.runs(hours=22)
    return f"{RECORDING_ID}/{task().key}"


def overdue(here: World) -> str:
    """Let a guard have raised a pause that should be over."""
    return _in_call_alarm(here, Attention.PAUSE_OVERDUE)


def without_consent(here: World) -> str:
    return _in_call_alarm(here, Attention.CONSENT_MISSING)


def _in_call_alarm(here: World, kind: Attention, **changes: object) -> str:
    facts = {"recording_id": RECORDING_ID, "started_here": True, "first_event_at": here.now}
    alarm = {"call_alarm": kind.value, "call_alarm_since": here.now, "stands": kind.value}
    here.fakes.control.states[RECORDING_ID] = "inactive"
    here.fakes.catalog.add_recording(RecordingRecord.model_validate({**facts, **alarm, **changes}))
    return RECORDING_ID


@pytest.mark.parametrize("make", [held_chunk, missing, refused, suspect, overdue, without_consent])
def test_what_is_dismissed_needs_no_attention_any_more(make: object) -> None:
    """Also after days of reconcile runs, and in every list."""
    here = world()
    made = make(here)  # type: ignore[operator]
    assert kinds(here) != []

    done = dismiss(HeldFilter(id=made), NOTE, "operator-1", here.ports, here.settings)

    assert (done.done, done.skipped) == ((made,), ())
    for _ in range(4):
        assert kinds(here) == []
        here.fakes.clock.advance(days=1)
        here.reconciles()
    trail = [(entry.operation, entry.outcome, entry.caller, entry.note) for entry in here.fakes.audit.written]
    assert trail == [("dismiss_held", outcome, "operator-1", NOTE) for outcome in ("asked", "done")]


@pytest.mark.parametrize(
    ("make", "action"),
    [
        (held_chunk, "held"),
        (missing, "missing"),
        (refused, "held"),
        (suspect, "held"),
        (overdue, "pause_overdue"),
        (without_consent, "consent_missing"),
    ],
)
def test_a_dismissal_is_logged_once(make: object, action: str, caplog: pytest.LogCaptureFixture) -> None:
    """Alerts read the log: without a line, the alert of something that was decided stands for two days."""
    here = world()
    made = make(here)  # type: ignore[operator]
    caplog.set_level("INFO", logger="recording")
    caplog.clear()
    dismiss(HeldFilter(id=made), NOTE, "operator-1", here.ports, here.settings)
    lines = [text for text in caplog.messages if text.startswith("recording.dismissed")]
    assert [f'action="{action}"' in text for text in lines] == [True]
    with pytest.raises(RequestError):
        dismiss(HeldFilter(id=made), NOTE, None, here.ports, here.settings)
    assert sum(text.startswith("recording.dismissed") for text in caplog.messages) == 1


@pytest.mark.parametrize("call", [Attention.PAUSE_OVERDUE, Attention.CONSENT_MISSING])
@pytest.mark.parametrize("first", [True, False])
def test_one_decision_hides_no_other_alarm_of_the_recording(call: Attention, first: bool) -> None:
    """Whoever says that a file will not come says nothing about a pause that does not end; its alert still stands."""
    here = world()
    stopped = {"last_action": LastAction.STOPPED, "last_action_at": here.now - timedelta(hours=2)}
    raised = {"missing_since": here.now, "stands": "missing"}
    _in_call_alarm(here, call, **stopped, **raised)
    here.fakes.control.states.clear()
    assert sorted(kinds(here)) == sorted([Attention.MISSING, call])
    done, left = (Attention.MISSING, call) if first else (call, Attention.MISSING)
    dismiss(HeldFilter(reason=done.value), NOTE, None, here.ports, here.settings)
    assert kinds(here) == [left]
    dismiss(HeldFilter(reason=left.value), NOTE, None, here.ports, here.settings)
    assert kinds(here) == []


def test_what_is_raised_after_a_decision_is_not_decided() -> None:
    """No file, said somebody; then two of three arrive: about the third nobody has decided."""
    here = world()
    dismiss(HeldFilter(id=missing(here)), NOTE, None, here.ports, here.settings)
    here.fakes.clock.advance(hours=1)
    for index in (0, 2):
        here.holds(task(index))
    here.announces(event(chunk(0), chunk(2)))
    here.runs(hours=1)
    here.fakes.clock.advance(hours=2)
    here.reconciles()
    assert kinds(here) == [Attention.INCOMPLETE]
    dismiss(HeldFilter(reason="incomplete"), NOTE, None, here.ports, here.settings)
    assert kinds(here) == []


def test_a_second_pause_that_does_not_end_is_another_one() -> None:
    """The first was dismissed, and ended."""
    here = world()
    dismiss(HeldFilter(id=overdue(here)), NOTE, None, here.ports, here.settings)
    here.fakes.clock.advance(hours=1)
    record = here.fakes.catalog.recordings[RECORDING_ID]
    later = changed(record, call_alarm="pause_overdue", call_alarm_since=here.now, stands="pause_overdue")
    here.fakes.catalog.save_recording(later)
    assert kinds(here) == [Attention.PAUSE_OVERDUE]


def test_a_missing_recording_stays_listed_until_it_is_found() -> None:
    """I4: not three days, as long as it lasts; and the looks at it get rare."""
    here = world()
    missing(here)
    for _ in range(10):
        here.fakes.clock.advance(days=1)
        here.reconciles()
        here.follows_up()
        assert kinds(here) == [Attention.MISSING]
    calls = len(here.fakes.catalog.calls)
    for _ in range(12):
        here.fakes.clock.advance(minutes=5)
        here.reconciles()
    assert here.fakes.catalog.calls[calls:].count("save_recording") == 0
    here.announces()
    here.fakes.clock.advance(days=1)
    here.reconciles()
    assert Attention.MISSING not in kinds(here)


def test_a_dismissed_chunk_that_is_announced_again_is_worked_on() -> None:
    """New evidence reopens, whatever was decided before it."""
    here = world()
    made = held_chunk(here)
    dismiss(HeldFilter(id=made), NOTE, None, here.ports, here.settings)
    here.fakes.clock.advance(hours=1)
    here.announces()
    here.runs(hours=1)
    assert here.state() is ChunkState.SOURCE_DELETED
    assert here.record().dismissed is None


def test_what_goes_on_by_itself_cannot_be_dismissed() -> None:
    """A chunk at risk can still be saved: nobody may take it off the list."""
    here = world()
    here.announces()
    here.fakes.queue.sent.clear()
    here.fakes.clock.advance(hours=20)
    (item,) = needs_attention(here.ports, here.settings).items
    done = dismiss(HeldFilter(id=item.id), NOTE, None, here.ports, here.settings)
    assert (item.kind, done.done, done.skipped) == (Attention.AT_RISK, (), (item.id,))
    assert kinds(here) == [Attention.AT_RISK]


@pytest.mark.parametrize("attempts", [1, 4, 9])
@pytest.mark.parametrize(
    "chosen",
    [
        HeldFilter(recording_id=RECORDING_ID),
        HeldFilter(id=f"{RECORDING_ID}/{task().key}"),
        HeldFilter(reason="source_refused"),
    ],
)
def test_retry_works_on_an_open_chunk_now(attempts: int, chosen: HeldFilter) -> None:
    """After a role was mended nobody waits for the next try; a chunk need not be stuck, or near its end."""
    here = world()
    here.holds(task())
    here.announces()
    here.fakes.queue.sent.clear()
    later = here.now + timedelta(minutes=30)
    here.fakes.catalog.save_chunk(
        changed(here.record(), attempts=attempts, last_error="source_refused", next_attempt_at=later)
    )
    done = retry(chosen, "role is back", "op", here.ports, here.settings)
    assert done.done == (f"{RECORDING_ID}/{task().key}",)
    here.runs_due()
    assert here.state() is ChunkState.SOURCE_DELETED
    assert [entry.note for entry in here.fakes.audit.written] == ["role is back"] * 2


@pytest.mark.parametrize("state", [ChunkState.QUARANTINED, ChunkState.EXPIRED])
def test_retry_puts_a_held_chunk_back_to_work(state: ChunkState) -> None:
    here = world()
    made = held_chunk(here, state)
    assert retry(HeldFilter(id=made), NOTE, None, here.ports, here.settings).done == (made,)
    here.runs_due()
    assert here.state() is ChunkState.SOURCE_DELETED


def test_retry_asks_again_about_a_missing_recording() -> None:
    here = world()
    made = missing(here)
    here.fakes.clock.advance(days=5)
    here.reconciles()
    asked = here.fakes.control.calls.count("state")
    assert retry(HeldFilter(id=made), NOTE, None, here.ports, here.settings).done == (made,)
    assert here.fakes.catalog.recordings[RECORDING_ID].look_at is None
    here.reconciles()
    assert here.fakes.control.calls.count("state") >= asked


def test_retry_of_a_refused_event_that_is_refused_again_is_skipped() -> None:
    here = world()
    made = refused(here)
    assert retry(HeldFilter(id=made), NOTE, None, here.ports, here.settings).skipped == (made,)


def test_accept_needs_no_name_where_there_is_one_suspect() -> None:
    here = world()
    made = suspect(here)
    (known,) = here.record().suspects
    done = accept(made, None, NOTE, "op", here.ports)
    assert (done.recording_id, done.blob_name) == (RECORDING_ID, known.blob_name)
    here.runs(hours=1)
    assert here.state() is ChunkState.CATALOGED
    assert kinds(here) == []
    assert [(entry.operation, entry.outcome, entry.note) for entry in here.fakes.audit.written] == [
        ("accept_held", "asked", NOTE),
        ("accept_held", "done", NOTE),
    ]


def test_accept_refuses_what_it_cannot_mean() -> None:
    here = world()
    made = held_chunk(here)
    for wanted, code in ((made, "invalid_request"), ("nothing/000000-x", "unknown_id"), ("nothing", "unknown_id")):
        with pytest.raises(RequestError) as error:
            accept(wanted, None, NOTE, None, here.ports)
        assert error.value.code == code


@pytest.mark.parametrize("decide", [dismiss, retry])
@pytest.mark.parametrize(
    ("chosen", "note", "code"),
    [
        (HeldFilter(id="nothing"), NOTE, "unknown_id"),
        (HeldFilter(reason="typo"), NOTE, "unknown_reason"),
        (HeldFilter(recording_id="nothing"), NOTE, "unknown_recording"),
        (HeldFilter(), NOTE, "nothing_chosen"),
        (HeldFilter(reason="media_suspect"), " ", "invalid_request"),
        (HeldFilter(reason="media_suspect"), "bell\x07", "invalid_request"),
    ],
)
def test_what_names_nothing_or_gives_no_reason_is_an_error(
    decide: object, chosen: HeldFilter, note: str, code: str
) -> None:
    here = world()
    held_chunk(here)
    with pytest.raises(RequestError) as error:
        decide(chosen, note, None, here.ports, here.settings)  # type: ignore[operator]
    assert error.value.code == code
    assert here.fakes.audit.written == []


def test_a_decision_that_cannot_be_noted_is_not_made() -> None:
    """The trail is written first."""
    here = world()
    made = held_chunk(here)
    here.fakes.audit.fail_next("add", StorageBusyError("down"))
    with pytest.raises(StorageBusyError):
        dismiss(HeldFilter(id=made), NOTE, None, here.ports, here.settings)
    assert here.record().dismissed is None


def test_phone_numbers_do_not_get_into_the_trail() -> None:
    here = world()
    made = refused(here)
    dismiss(HeldFilter(id=made), "caller +491701234567 agreed", None, here.ports, here.settings)
    assert "+49170" not in str(here.fakes.audit.written)


def test_a_recording_with_many_held_chunks_is_read_once_and_not_once_for_each() -> None:
    """A call of a day that was blocked by a proxy: a decision about all of it took minutes, as its square."""
    here = world()
    for index in range(40):
        record = ChunkRecord(task=task(index), first_seen_at=here.now, changed_at=here.now)
        here.fakes.catalog.add_chunk(moved(record, ChunkState.QUARANTINED, quarantine_reason="media_suspect"))
    here.fakes.catalog.calls.clear()
    decided = dismiss(HeldFilter(recording_id=RECORDING_ID), NOTE, "anna", here.ports, here.settings)
    assert len(decided.done) == 40
    assert here.fakes.catalog.calls.count("chunks_of") == 0
    assert here.fakes.catalog.calls.count("get_chunk") == 40
