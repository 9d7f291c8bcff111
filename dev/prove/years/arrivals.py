"""What arrives in the years: new recordings, and chunks of old ones long after."""

from datetime import datetime, timedelta
from typing import Any

from dev.in_memory.builders import chunk, document_id, event, metadata, task, wav
from dev.prove.years.known import Known
from dev.prove.years.world import YearsWorld
from recording.domain.keep.custody import CustodyState
from recording.domain.state.chunk import ChunkTask
from recording.library.tags import change_tags

DURATION_MS = 500
MOST_LATE = 40
TAGS, KINDS = ("sales", "help"), ("phone", "teams")
REST = b"\x33\x44"  # what the second speaker says
UNMIXED = {"contentType": "audio", "channelType": "unmixed", "format": "wav"}
SECOND = {"phone": "4:+4915550100888", "teams": "8:orgid:0d0d0d0d-1111-2222-3333-555555555555"}


def record_call(world: YearsWorld) -> None:
    """Let a call be recorded, archived and perhaps tagged."""
    number, now = len(world.known), world.now
    kind = world.random.choice(KINDS)
    made = Known(number, now, "", frozenset({"acs", kind}), is_mixed=world.random.random() < 0.3, arrived=now)
    recording_id, tag = made.recording_id, world.random.choice(("", *TAGS))
    _arrive(world, made, 0, now)
    facts = world.here.fakes.catalog.recordings[recording_id].facts
    assert facts is not None
    made.ended = facts.started_at + timedelta(milliseconds=(facts.duration_ms or 0) + facts.paused_ms)
    world.known[recording_id] = made
    if tag:
        made.tag = tag
        change_tags(recording_id, {"tags": {"line": tag}}, "*", world.here.ports)
        world.here.follows_up()
    world.counts("recordings")


def bring_late_chunk(world: YearsWorld, one: Known) -> None:
    """Let another chunk of it arrive, whatever has become of the others."""
    world.late[one.recording_id] += 1
    if world.late[one.recording_id] < MOST_LATE:
        _arrive(world, one, world.late[one.recording_id], one.ended)
        world.counts("late chunks")


def _arrive(world: YearsWorld, one: Known, index: int, began: datetime) -> None:
    here, document, recording_id = world.here, document_id(one.number * 50 + index), one.recording_id
    made = task(index, document, recording_id=recording_id)
    here.holds(made, _media(one), _metadata(one, made))
    said = event(
        chunk(index, document),
        subject=f"/recording/call/call-{recording_id}/serverCallId/x/recordingId/{recording_id}",
        id=f"{recording_id}-{index}",
        eventTime=here.now.isoformat(),
        data={
            "recordingStartTime": began.isoformat(),
            "recordingDurationMs": DURATION_MS,
            "recordingChannelType": "Mixed" if one.is_mixed else "Unmixed",
        },
    )
    here.announces(said)
    here.runs_due()
    here.follows_up()
    if world.state(one) is CustodyState.DESTROYING:
        world.unknown[document] = world.begun_at(one)
    elif world.deciding == recording_id:
        world.unknown[document] = here.now
    one.arrived, one.has_old_facts = here.now, False
    one.has_voice, one.is_gone = True, False


def _media(one: Known) -> bytes:
    whole = wav(DURATION_MS, 1 if one.is_mixed else 2)
    frame = one.voice if one.is_mixed else one.voice + REST
    return whole[:44] + frame * ((len(whole) - 44) // len(frame))


def _metadata(one: Known, of: ChunkTask) -> bytes:
    """Return who is in it; everybody has a channel where there are two."""
    (second,) = one.kinds - {"acs"}
    people: list[dict[str, Any]] = [{"participantId": one.person}, {"participantId": SECOND[second]}]
    if not one.is_mixed:
        people = [{**person, "channel": number} for number, person in enumerate(people)]
    info = {**UNMIXED, "channelType": "mixed"} if one.is_mixed else UNMIXED
    return metadata(of, recordingInfo=info, participants=people, chunkDuration=DURATION_MS)
