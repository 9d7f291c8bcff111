"""Whatever is decided about many held items: one for which storage always fails keeps no other from it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from dev.in_memory.builders import CALL_ID, SERVER_CALL_ID, chunk, document_id, event, record, settings, task
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.world import World, intercept, world
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkState
from recording.errors import RecordingError, StorageBusyError, StorageError
from recording.errors.codes import Code
from recording.operate.decide import dismiss, retry
from recording.operate.held import list_held, redrive
from recording.ports import DeadLetter

MENDED = settings(acs={"resource_id": "/other"})
FAILURES = [
    StorageBusyError("503"),
    StorageError("a lease", code=Code.STORAGE_BUSY),
    StorageError("a row of a newer version", code=Code.NEWER_RECORD),
]
Decision = Callable[[World], tuple[tuple[str, ...], tuple[str, ...]]]


def all_redriven(here: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Redrive everything."""
    found = redrive(here.ports, MENDED, HeldFilter())
    return found.sent, found.skipped


def all_retried(here: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Retry everything that was refused."""
    found = retry(HeldFilter(reason="other_resource"), "mended", "op", here.ports, MENDED)
    return found.done, found.skipped


def all_dismissed(here: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Dismiss everything that was refused."""
    found = dismiss(HeldFilter(reason="other_resource"), "no customer", "op", here.ports, MENDED)
    return found.done, found.skipped


def three_refused() -> World:
    """Return a world with a refused event of each of three recordings."""
    here = world()
    for number in range(3):
        subject = f"/recording/call/{CALL_ID}/serverCallId/{SERVER_CALL_ID}/recordingId/recording-{number}"
        about = chunk(0, document_id(number))
        here.announces(event(about, subject=subject, id=f"event-{number}", topic="/other"))
    return here


@pytest.mark.parametrize("bad", range(3))
@pytest.mark.parametrize("error", FAILURES, ids=lambda error: error.code)
@pytest.mark.parametrize("decision", [all_redriven, all_retried])
def test_an_event_whose_recording_always_fails_is_skipped(decision: Decision, error: StorageError, bad: int) -> None:
    """It would hold back the most urgent ones behind it, redrive after redrive, until ACS forgets them."""
    here = three_refused()
    plain = here.fakes.catalog.get_recording

    def failing(recording_id: str) -> Any:
        if recording_id == f"recording-{bad}":
            raise error
        return plain(recording_id)

    object.__setattr__(here.fakes.catalog, "get_recording", failing)
    done, skipped = decision(here)
    assert (len(done), len(skipped)) == (2, 1)
    assert {name for name, _ in here.fakes.catalog.chunks} == {f"recording-{n}" for n in range(3) if n != bad}


@pytest.mark.parametrize("bad", range(3))
def test_an_entry_that_cannot_be_marked_is_skipped(bad: int) -> None:
    """A lease or an archive tier on one blob is no reason to keep the others open."""
    here = three_refused()
    calls = iter(range(9))

    def decide(_port: str, method: str) -> tuple[Exception | None, bool]:
        is_bad = method == "mark_dismissed" and next(calls) == bad
        return (StorageBusyError("a lease") if is_bad else None), False

    intercept(here, decide)
    done, skipped = all_dismissed(here)
    assert (len(done), len(skipped)) == (2, 1)
    assert [one.id for one in list_held(here.ports, MENDED)] == list(skipped)


@pytest.mark.parametrize("kind", ["chunk", "message", "event", "letter"])
def test_whatever_is_held_behind_an_item_that_fails_is_redriven(kind: str) -> None:
    """Chunks, poisoned tasks and events, and dead letters, each with one among them that is always refused."""
    here = world()
    letters = []
    for number in range(3):
        about = task(0, document_id(number), recording_id=f"recording-{number}")
        subject = f"/recording/call/{CALL_ID}/recordingId/recording-{number}"
        text = json.dumps(event(chunk(0, document_id(number)), subject=subject, id=f"e{number}"))
        if kind == "chunk":
            here.fakes.catalog.add_chunk(record(ChunkState.QUARANTINED, task=about, quarantine_reason="media_suspect"))
        elif kind == "message":
            here.fakes.queue.poison(about.model_dump_json())
        elif kind == "event":
            here.fakes.queue.poison_event(text)
        else:
            letters.append(DeadLetter(f"letter-{number}", text, here.now))
    object.__setattr__(here.fakes, "dead_letters", FakeDeadLetters(*letters))
    calls = iter(range(99))

    def decide(_port: str, method: str) -> tuple[Exception | None, bool]:
        return (StorageBusyError("503") if method == "send" and next(calls) == 0 else None), False

    intercept(here, decide)
    found = redrive(here.ports, here.settings, HeldFilter())
    assert (len(found.sent), len(found.skipped)) == (2, 1)


@pytest.mark.parametrize("decision", [all_redriven, all_retried])
def test_where_storage_itself_does_not_answer_the_decision_fails(decision: Decision) -> None:
    """An operator must not read that everything was skipped."""
    here = three_refused()
    intercept(
        here, lambda _port, method: ((StorageBusyError("503") if method in ("send", "add_chunk") else None), False)
    )
    with pytest.raises(RecordingError):
        decision(here)


def test_a_retry_of_many_looks_at_what_is_held_as_often_as_one_of_one() -> None:
    """Each look reads every entry: thousands of entries looked through for each of them would take days."""
    here, looks = three_refused(), 0

    def count(_port: str, method: str) -> tuple[Exception | None, bool]:
        nonlocal looks
        looks += method == "entries"
        return None, False

    intercept(here, count)
    assert all_retried(here)[1] == ()
    assert looks == 2
