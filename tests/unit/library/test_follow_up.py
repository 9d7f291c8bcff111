"""Follow-up: every recording has its index rows, whatever dies between two writes; the line never waits for them."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from dev.in_memory.builders import CALL_ID, RECORDING_ID, SERVER_CALL_ID, chunk, document_id, event, metadata, task
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.fakes.scripted import Scripted
from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone, world
from recording.control.consents import tell_consent
from recording.domain.find.find_query import FindQuery
from recording.domain.find.placement import is_placed
from recording.domain.incoming.requests import ConsentRequest
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.records import changed
from recording.domain.state.transitions import is_archived
from recording.errors import StorageBusyError
from recording.library.directory import find
from recording.library.follow_up import follow_up
from recording.library.keep.holds import place_hold
from recording.library.tags import change_tags
from recording.ports.bulkhead import WORKERS
from recording.ports.library.follow_ups import MOST_FAILURES


def archived() -> World:
    """A recording of one chunk is archived, and its follow-up waits in the queue."""
    here = world()
    here.holds(task())
    here.announces()
    here.runs_due()
    return here


def found(here: World, **query: Any) -> list[str]:
    """Return the recordings that a query finds."""
    return [one.recording.recording_id for one in find(FindQuery.read(query), here.ports, here.settings).items]


EVERY_WAY: list[dict[str, Any]] = [
    {},
    {"participant": PARTICIPANT},
    {"participant": PARTICIPANT.upper()},
    {"participant": PHONE},
    {"number": PHONE},
    {"number": f"tel:{PHONE}"},
    {"number": "+49 (0) 1555-010 01.99"},
    {"number": PHONE.replace("+", "00")},
    {"number": PHONE.replace("+", " ")},
    {"number": "0100199"},
    {"call": CALL_ID},
    {"call": SERVER_CALL_ID},
    {"from": "2026-11-23T08:00:00Z", "to": "2026-11-23T09:00:00Z"},
    {"format": "wav"},
    {"state": "archived"},
    {"participant": PARTICIPANT, "number": PHONE, "call": CALL_ID, "format": "WAV", "from": "2026-11-01T00:00:00Z"},
]


@pytest.mark.parametrize("query", EVERY_WAY, ids=str)
def test_an_archived_recording_is_found_by_everything_people_know_of_it(query: dict[str, Any]) -> None:
    """A number is written in many ways, and the platform reads a plus in a query string as a space."""
    here = archived()
    here.follows_up()
    assert found(here, **query) == [RECORDING_ID]


@pytest.mark.parametrize(
    "query",
    [
        {"participant": "8:acs:someone-else"},
        {"number": "+4915550100198"},
        {"call": "another"},
        {"format": "mp3"},
        {"state": "held"},
        {"state": "recording"},
        {"from": "2026-11-23T08:57:00Z"},
        {"to": "2026-11-23T08:56:00Z"},
        {"tag": "case:C-1"},
        {"participant": PARTICIPANT, "call": "another"},
    ],
    ids=str,
)
def test_a_filter_that_does_not_fit_finds_nothing(query: dict[str, Any]) -> None:
    """Filters narrow down, each one."""
    here = archived()
    here.follows_up()
    assert found(here, **query) == []


OLD_DOCUMENT = """{"resourceId": "29bd5ea9-0000-4d00-8f6f-339b1f0ee2e2", "callId": "%(call)s",
 "chunkDocumentId": "%(document)s", "chunkIndex": 0, "chunkStartTime": "2026-11-23T08:56:00.1321393Z",
 "chunkDuration": 2000.0, "pauseResumeIntervals": [],
 "recordingInfo": {"contentType": "mixed", "channelType": "audioVideo", "format": "wav",
  "audioConfiguration": {"sampleRate": "16000", "bitRate": 256000, "channels": 1},
  "videoConfiguration": {"longerSideLength": 1920, "shorterSideLength": 1080, "framerate": 8, "bitRate": 1000000}},
 "participants": [{"participantId": "%(participant)s"}, {"participantId": "4:%(phone)s"}]}"""


@pytest.mark.parametrize("is_swapped", [True, False])
def test_a_document_of_2021_is_found_under_the_right_fields(is_swapped: bool) -> None:
    """Content and channel hold each other's value in every live document, and numbers are texts."""
    names = {"call": CALL_ID, "document": task().document_id, "participant": PARTICIPANT, "phone": PHONE}
    document = OLD_DOCUMENT % names
    if not is_swapped:
        document = document.replace('"mixed", "channelType": "audioVideo"', '"audioVideo", "channelType": "mixed"')
    here = world()
    here.holds(task(), document=document.encode())
    here.announces()
    here.runs_due()
    here.follows_up()
    for query in ({"number": PHONE}, {"participant": PARTICIPANT}, {"call": CALL_ID, "number": PHONE[-7:]}):
        assert found(here, **query) == [RECORDING_ID], query
    (one,) = find(FindQuery(), here.ports, here.settings).items
    assert (one.facts.content, one.facts.channel, one.facts.sample_rate) == ("audioVideo", "mixed", 16000)
    assert (one.facts.bit_rate, one.facts.audio_channels, len(one.facts.participants)) == (256000, 1, 2)


def test_no_identifier_is_in_the_directory_or_the_catalog() -> None:
    """Index keys and rows are keyed hashes; the identifiers stay in the metadata document (I15)."""
    here = archived()
    here.follows_up()
    stored = f"{here.fakes.directory.rows} {here.fakes.catalog.recordings} {here.fakes.catalog.chunks}"
    for secret in (PARTICIPANT, PHONE, PHONE.removeprefix("+"), PHONE[-7:]):
        assert secret not in stored
    assert len(here.fakes.catalog.recordings[RECORDING_ID].facts.participants) == 2  # type: ignore[union-attr]


def test_a_follow_up_that_is_done_is_not_done_again() -> None:
    """Each event and each step sends one; most find nothing to do."""
    here = archived()
    here.follows_up()
    here.fakes.directory.calls.clear()
    assert not follow_up(RECORDING_ID, here.ports)
    assert here.fakes.directory.calls == []


def every_call_of(run: Callable[[], World]) -> int:
    """Return how many port calls a follow-up makes."""
    here = run()
    calls = 0

    def count(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal calls
        calls += 1
        return None, False

    intercept(here, count)
    follow_up(RECORDING_ID, here.ports)
    return calls


@pytest.mark.parametrize("after", [False, True])
def test_a_death_at_any_call_loses_no_row_and_leaves_none_behind(after: bool) -> None:
    """Between any two writes; the message is delivered again, or reconcile asks."""
    for number in range(every_call_of(archived)):
        here = archived()
        _dies_at(here, number, after=after)
        with pytest.raises(WorkerDiedError):
            follow_up(RECORDING_ID, here.ports)
        leave_alone(here)
        here.fakes.follow_ups.sent.clear()
        here.runs(hours=2, until_quiet=False)
        _is_consistent(here)


@pytest.mark.parametrize("rows_written", range(14))
def test_a_death_between_two_rows_is_made_good_while_tags_change(rows_written: int) -> None:
    """Old and new rows of a tag: the stale one is gone in the end, wherever the worker died."""
    here = archived()
    here.follows_up()
    for tags in ({"case": "C-1"}, {"case": "C-2", "team": "north"}):
        record = here.fakes.catalog.recordings[RECORDING_ID]
        here.fakes.catalog.save_recording(changed(record, tags=tags, settled_at=None, look_at=None))
        here.fakes.directory.die_after, here.fakes.directory.death = rows_written, WorkerDiedError()
        with suppress(WorkerDiedError):
            follow_up(RECORDING_ID, here.ports)
        here.fakes.directory.die_after = None
    here.runs(hours=2, until_quiet=False)
    _is_consistent(here)
    assert found(here, tag="case:C-2") == found(here, tag="team:north") == [RECORDING_ID]
    assert found(here, tag="case:C-1") == []


def test_the_directory_may_refuse_everything_for_a_day_and_is_caught_up_after() -> None:
    """I14: the line archives and deletes as always; no recording is settled before it can be found."""
    here = world()
    for fake in (here.fakes.directory, here.fakes.index_keys):
        for method in ("put", "remove", "read") if fake is here.fakes.directory else ("keys",):
            fake.fail_next(method, StorageBusyError("down"), times=1_000_000)
    here.fakes.follow_ups.fail_next("send", StorageBusyError("down"), times=20)
    here.holds(task())
    here.announces()
    here.runs(hours=26, until_quiet=False)
    assert is_archived(here.record())
    assert here.record().source == "deleted"
    assert here.fakes.directory.rows == {}
    assert here.fakes.catalog.recordings[RECORDING_ID].settled_at is None
    for fake in (here.fakes.directory, here.fakes.index_keys):
        for method in ("put", "remove", "read") if fake is here.fakes.directory else ("keys",):
            fake.fails_no_more(method)
    here.runs(hours=2, until_quiet=False)
    _is_consistent(here)
    assert here.fakes.catalog.recordings[RECORDING_ID].settled_at is not None


def test_what_is_said_while_the_directory_refuses_everything_for_a_day_is_caught_up_after() -> None:
    """I14: tags, consent, holds and other recordings of that day, about a recording on which nobody worked any more."""
    here = archived()
    here.runs(hours=3, until_quiet=False)
    assert here.fakes.catalog.recordings[RECORDING_ID].settled_at is not None
    down: list[tuple[Scripted, tuple[str, ...]]] = [
        (here.fakes.directory, ("put", "remove", "read")),
        (here.fakes.index_keys, ("keys",)),
        (here.fakes.follow_ups, ("send",)),
    ]
    for fake, methods in down:
        for method in methods:
            fake.fail_next(method, StorageBusyError("down"), times=1_000_000)
    given = {"basis": "spoken", "reference": "7", "capturedAt": "2026-11-23T08:00:00Z", "capturedBy": "ivr"}
    for step, facts in (("given", given), ("withdrawn", {})):
        asked = ConsentRequest.read({"step": step, **facts})
        tell_consent(RECORDING_ID, asked, "ada", here.ports, here.settings)
    change_tags(RECORDING_ID, {"tags": {"said": "then"}}, "*", here.ports)
    place_hold(RECORDING_ID, "case", "asked", "ada", here.ports)
    other = task(0, document_id(5), recording_id="other-recording", call_id="other-call")
    here.holds(other)
    subject = "/recording/call/other-call/serverCallId/x/recordingId/other-recording"
    here.announces(event(chunk(0, other.document_id), subject=subject, id="of-that-day"))
    here.runs(hours=24, until_quiet=False)
    assert here.record(other).source == "deleted"
    row = here.fakes.keeping.custody(RECORDING_ID)
    assert row is not None
    assert [hold.case for hold in row.active_holds] == ["case"]
    for fake, methods in down:
        for method in methods:
            fake.fails_no_more(method)
    here.runs(hours=13, until_quiet=False)
    assert found(here, tag="said:then") == [RECORDING_ID]
    assert found(here, call="other-call") == ["other-recording"]
    folder = here.fakes.catalog.recordings[RECORDING_ID].folder
    told = json.loads(here.fakes.archive.blobs[f"{folder}/manifest.json"].data)
    assert ([one["step"] for one in told["consents"]], told["tags"]) == (["given", "withdrawn"], {"said": "then"})
    assert all(one.settled_at is not None for one in here.fakes.catalog.recordings.values())


@pytest.mark.parametrize("step", ["given", "withdrawn"])
def test_a_step_of_consent_whose_follow_up_was_lost_is_in_the_manifest_in_the_end(step: str) -> None:
    """Nobody works on the recording any more; a catalog made again must not call consent given that was withdrawn."""
    here = archived()
    here.runs(hours=3, until_quiet=False)
    given = {"basis": "spoken", "reference": "7", "capturedAt": "2026-11-23T08:00:00Z", "capturedBy": "ivr"}
    tell_consent(RECORDING_ID, ConsentRequest.read({"step": "given", **given}), "ada", here.ports, here.settings)
    here.runs(hours=3, until_quiet=False)
    if step == "withdrawn":
        here.fakes.follow_ups.fail_next("send", StorageBusyError("down"))
        tell_consent(RECORDING_ID, ConsentRequest.read({"step": step}), "ada", here.ports, here.settings)
        here.runs(hours=3, until_quiet=False)
    folder = here.fakes.catalog.recordings[RECORDING_ID].folder
    told = json.loads(here.fakes.archive.blobs[f"{folder}/manifest.json"].data)
    assert told["consents"][-1]["step"] == step


def test_a_queue_that_refuses_every_follow_up_stops_nothing() -> None:
    """The line sends and goes on; reconcile asks again."""
    here = world()
    here.fakes.follow_ups.fail_next("send", StorageBusyError("down"), times=3)
    here.holds(task())
    here.announces()
    here.runs(hours=3, until_quiet=False)
    assert here.record().source == "deleted"
    _is_consistent(here)


def test_a_recording_whose_metadata_cannot_be_read_is_found_by_all_else() -> None:
    """What names nobody still has a time and a call."""
    here = world()
    here.holds(task(), document=metadata(participants="nobody knows"))
    here.announces()
    here.runs_due()
    here.follows_up()
    assert found(here, call=CALL_ID) == found(here) == [RECORDING_ID]


def _dies_at(here: World, number: int, *, after: bool) -> None:
    calls = 0

    def decide(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal calls
        calls += 1
        return (WorkerDiedError() if calls == number + 1 else None), after

    intercept(here, decide)


def _is_consistent(here: World) -> None:
    """The rows are those that the record notes, no more and no fewer."""
    record = here.fakes.catalog.recordings[RECORDING_ID]
    assert is_placed(record, here.fakes.catalog.chunks_of(RECORDING_ID), ())
    assert record.placement is not None
    wanted = {f"{name}|{record.placement.row_key}" for name in record.placement.partitions}
    assert here.fakes.directory.places == wanted
    assert found(here, call=CALL_ID) == [RECORDING_ID]


def test_a_queue_that_fails_costs_reconcile_a_few_tries_and_no_more() -> None:
    """Each try costs time-outs, and a run has more to do than this."""
    here = world()
    for number in range(50):
        here.fakes.catalog.add_recording(RecordingRecord(recording_id=f"rec-{number}", first_event_at=here.now))
    here.fakes.follow_ups.fail_next("send", StorageBusyError("down"), times=1000)
    here.fakes.clock.advance(minutes=5)
    here.reconciles()
    assert MOST_FAILURES <= here.fakes.follow_ups.calls.count("send") < MOST_FAILURES + WORKERS
    here.fakes.follow_ups.fails_no_more("send")
    here.fakes.clock.advance(hours=2)
    here.reconciles()
    assert here.follows_up() == 50
