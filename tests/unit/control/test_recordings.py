"""Control: a start that is safe to repeat, states that make sense, and refusals in words."""

from collections.abc import Callable
from typing import Any

import pytest

from dev.in_memory.builders import chunk, event, task
from dev.in_memory.world import World, world
from recording.archive.manifest import rewrite_manifest
from recording.control import pauses, resumes
from recording.control import recordings as control
from recording.domain.state.recording import LastAction
from recording.errors import ControlError, RequestError, StorageBusyError
from recording.errors.codes import Code

BODY = {"serverCallId": "aHR0cHM6Ly9jYWxs", "format": "mp3", "tags": {"case": "7"}}
CONSENT = {"basis": "contract", "reference": "C-7", "capturedAt": "2026-11-23T08:00:00Z", "capturedBy": "ivr"}


def start(here: World, body: Any = None, key: str | None = None) -> dict[str, Any]:
    return control.start_recording(body or BODY, key, None, here.ports, here.settings)


def test_a_start_notes_what_to_expect() -> None:
    """Who, when, which call, which options: later work can notice a file that never came."""
    here = world()
    started = control.start_recording({**BODY, "consent": CONSENT}, None, "operator-1", here.ports, here.settings)
    noted = here.fakes.catalog.recordings[started["recordingId"]]

    assert (noted.started_here, noted.started_by, noted.started_at) == (True, "operator-1", here.now)
    assert noted.request["tags"] == {"case": "7"}
    assert noted.consent is not None
    assert noted.consent["reference"] == "C-7"


def test_the_same_key_and_request_give_the_same_recording() -> None:
    """A caller who got no answer sends it again."""
    here = world()
    first, second = start(here, key="k"), start(here, key="k")

    assert first["recordingId"] == second["recordingId"]
    assert here.fakes.control.calls.count("start") == 1


def test_the_same_key_for_another_request_is_a_conflict() -> None:
    """A key that means two things means nothing."""
    here = world()
    start(here, key="k")
    with pytest.raises(RequestError) as refusal:
        start(here, {**BODY, "format": "wav"}, key="k")

    assert (refusal.value.code, refusal.value.status) == ("idempotency_key_reused", 409)


def test_a_start_whose_answer_was_lost_is_completed_by_the_next() -> None:
    """ACS knows the repeatability id; a call is never recorded twice."""
    here = world()
    lost = ControlError("no answer", code=Code.ACS_UNREACHABLE)
    here.fakes.control.fail_next("start", lost, after=True)
    with pytest.raises(ControlError):
        start(here, key="k")

    started = start(here, key="k")

    assert list(here.fakes.control.started) == [started["recordingId"]]


def test_a_start_that_could_not_be_noted_is_told_and_completed_by_the_next() -> None:
    """The recording runs: the caller must hear its id even then."""
    here = world()
    here.fakes.catalog.fail_next("add_recording", StorageBusyError("down"))
    with pytest.raises(StorageBusyError) as failure:
        start(here, key="k")
    started = start(here, key="k")

    assert failure.value.code == "start_not_noted"
    assert started["recordingId"] in str(failure.value)
    assert here.fakes.catalog.recordings[started["recordingId"]].started_here


def test_consent_can_be_made_obligatory() -> None:
    """Without evidence ACS is not asked."""
    here = world(consent_required=True)
    with pytest.raises(RequestError) as refusal:
        start(here)

    assert refusal.value.code == "consent_required"
    assert here.fakes.control.calls == []
    assert start(here, {**BODY, "consent": CONSENT})["recordingId"]


@pytest.mark.parametrize(
    ("action", "expected"),
    [(pauses.pause_recording, "paused"), (resumes.resume_recording, "recording"), (resumes.stop_recording, "ended")],
)
def test_inactive_means_paused_or_just_started_and_our_memory_tells_which(action: Any, expected: str) -> None:
    """ACS has one word for both."""
    here = world()
    recording_id = start(here)["recordingId"]
    here.fakes.control.states[recording_id] = "inactive"
    assert control.get_recording(recording_id, here.ports, here.settings)["state"] == "starting"

    here.fakes.control.states[recording_id] = "active" if expected == "paused" else "inactive"
    more = (here.settings,) if expected == "paused" else ()
    assert action(recording_id, here.ports, *more)["state"] == expected
    assert control.get_recording(recording_id, here.ports, here.settings)["state"] == expected


def test_stopping_what_has_ended_by_itself_is_no_error() -> None:
    """Stop may be answered 404 although files are on their way (known issue of the service)."""
    here = world()
    recording_id = start(here)["recordingId"]
    here.fakes.control.stop(recording_id)

    assert resumes.stop_recording(recording_id, here.ports)["state"] == "ended"
    assert here.fakes.catalog.recordings[recording_id].last_action is LastAction.STOPPED


def test_an_unknown_recording_cannot_be_stopped_or_seen() -> None:
    """404 in both cases, with the same code."""
    here = world()
    with pytest.raises(ControlError) as unstoppable:
        resumes.stop_recording("unknown", here.ports)
    with pytest.raises(RequestError) as invisible:
        control.get_recording("unknown", here.ports, here.settings)

    assert unstoppable.value.code == invisible.value.code == "recording_not_found"


def test_an_id_that_means_something_in_a_path_is_refused_before_acs_is_asked() -> None:
    """Ids go into URLs and table keys."""
    here = world()
    for recording_id in ("../x", "a/b", "a b", "", "x" * 600, "a\r\nb"):
        with pytest.raises(RequestError) as refusal:
            pauses.pause_recording(recording_id, here.ports, here.settings)
        assert refusal.value.code == "invalid_recording_id"
    assert here.fakes.control.calls == []


def test_archiving_is_told_even_when_acs_does_not_answer() -> None:
    """The state at ACS is one thing, what lies in the archive another."""
    here = world()
    here.holds(task())
    here.announces(event())
    here.runs()
    down = ControlError("no answer", code=Code.ACS_UNREACHABLE)
    here.fakes.control.fail_next("state", down)

    answer = control.get_recording(task().recording_id, here.ports, here.settings)

    assert (answer["acsFault"], answer["complete"]) == ("acs_unreachable", True)
    assert answer["chunks"][0]["state"] == "SOURCE_DELETED"
    assert answer["chunks"][0]["urgency"] == "archived"


@pytest.mark.parametrize("code", [Code.UNREADABLE_RECORD, Code.NEWER_RECORD])
@pytest.mark.parametrize("index", [0, 1])
def test_a_chunk_whose_row_cannot_be_read_is_named_in_answer_and_manifest(index: int, code: Code) -> None:
    """Left out in silence, a recording of two files would be a complete one of one file."""
    here = world()
    for number in (0, 1):
        here.holds(task(number))
    here.announces(event(chunk(0), chunk(1)))
    here.runs(hours=1)
    row = next(key for key, one in here.fakes.catalog.chunks.items() if one.task.index == index)
    here.fakes.catalog.unreadable.add(row)
    here.fakes.catalog.unreadable_code = code

    told = control.get_recording(task().recording_id, here.ports, here.settings)
    rewrite_manifest(here.record(task(0)).task, here.ports)

    named = [{"index": index, "key": row[1], "code": code}]
    assert (told["unreadable"], told["complete"], [one["index"] for one in told["chunks"]]) == (
        named,
        False,
        [1 - index],
    )
    assert (here.manifest()["unreadable"], here.manifest()["complete"]) == (named, False)

    here.fakes.catalog.unreadable.clear()
    rewrite_manifest(here.record(task(0)).task, here.ports)
    told = control.get_recording(task().recording_id, here.ports, here.settings)
    assert (told["unreadable"], told["complete"], here.manifest()["complete"]) == ([], True, True)
    assert "unreadable" not in here.manifest()


def test_a_first_event_and_a_start_meet_in_one_record() -> None:
    """Whoever writes first, both sides' facts are there in the end (I7)."""
    here = world()
    here.fakes.control.start = lambda *_: (task().recording_id, "inactive")  # type: ignore[method-assign]
    here.announces(event())
    start(here)
    record = here.fakes.catalog.recordings[task().recording_id]

    assert record.started_here
    assert record.folder is not None


@pytest.mark.parametrize(("act", "state"), [("pause", "paused"), ("resume", "recording")])
@pytest.mark.parametrize("was_noted", [True, False])
def test_pause_and_resume_may_be_sent_again_after_a_lost_answer(act: str, state: str, *, was_noted: bool) -> None:
    """ACS refuses the second one; a caller who got no answer to the first would take that for a failure."""
    here = world()
    recording = start(here)["recordingId"]
    if act == "resume":
        pauses.pause_recording(recording, here.ports, here.settings)
    sends: dict[str, Callable[[], dict[str, Any]]] = {
        "pause": lambda: pauses.pause_recording(recording, here.ports, here.settings),
        "resume": lambda: resumes.resume_recording(recording, here.ports),
    }
    send = sends[act]
    if not was_noted:
        here.fakes.control.fail_next(act, ControlError("no answer", code=Code.ACS_UNREACHABLE), after=True)
        with pytest.raises(ControlError):
            send()
    else:
        send()
    assert send()["state"] == state
    open_pauses = [one for one in here.fakes.catalog.recordings[recording].pauses if one.ended_at is None]
    assert len(open_pauses) == (act == "pause")


def test_a_resume_of_what_nobody_paused_is_still_refused() -> None:
    """The caller has mixed two calls up, and must hear of it."""
    here = world()
    recording = start(here)["recordingId"]
    with pytest.raises(ControlError) as refusal:
        resumes.resume_recording(recording, here.ports)
    assert refusal.value.code == "pause_resume_not_allowed"


def test_no_phone_number_of_a_start_lands_in_catalog_or_manifest() -> None:
    """Participants are named in the metadata document and the media, and in no index, row or list."""
    here, number = world(), "4512345678"
    body = {
        "serverCallId": "aHR0cHM6Ly9jYWxs",
        "content": "audio",
        "channel": "unmixed",
        "format": "wav",
        "channelAffinity": [{"channel": 0, "participant": f"4:+{number}"}],
        "audioChannelParticipantOrdering": [f"4:+{number}"],
        "requestedBy": f"the desk of +{number}",
    }
    recording_id = start(here, body)["recordingId"]
    made = here.holds(task(recording_id=recording_id))
    subject = f"/recording/call/{made.call_id}/serverCallId/x/recordingId/{recording_id}"
    here.announces(event(subject=subject))
    here.runs(hours=1)
    catalog = here.fakes.catalog
    rows = [one.model_dump_json() for one in (*catalog.recordings.values(), *catalog.chunks.values())]
    rows += [one.model_dump_json() for one in catalog.reservations.values()]
    manifests = [blob.data.decode() for name, blob in here.fakes.archive.blobs.items() if "manifest" in name]
    assert len(rows) >= 3
    assert manifests
    assert [text for text in (*rows, *manifests) if number in text] == []
