"""Makes a recording's media without a call, for whoever needs objects of a given size or shape at once."""

from datetime import timedelta

from dev.acs_simulator.admin.views import NewObjects
from dev.acs_simulator.files.chunking import ChunkPlan
from dev.acs_simulator.state.identifiers import new_document_id, new_recording_id
from dev.acs_simulator.state.model import Recording, RecordingFormat, SessionEnd, StoredObject
from dev.acs_simulator.world import World
from dev.media import MediaSpec, wav_length_bytes


async def make_objects(world: World, asked: NewObjects) -> list[StoredObject]:
    """Return objects that can be read now, as if their call had just ended.

    Raise ValueError for media ACS does not make.
    """
    duration_ms = _duration_ms(asked)
    MediaSpec(asked.content, asked.channel, asked.format, duration_ms, asked.participants)
    now = world.clock.now()
    length = timedelta(milliseconds=duration_ms)
    recording = Recording(
        asked.recording_id or new_recording_id(),
        world.calls.create(asked.participants, now - asked.chunks * length),
        RecordingFormat(asked.content, asked.channel, asked.format),
        started_at=now - asked.chunks * length,
        ended_at=now,
        end_reason=SessionEnd.CALL_ENDED,
    )
    recording.call.ended_at = now
    plans = [
        ChunkPlan(asked.first_index + number, recording.started_at + number * length, duration_ms)
        for number in range(asked.chunks)
    ]
    document_ids = asked.document_ids or tuple(new_document_id() for _ in plans)
    stored = await world.finaliser.store(recording, plans, document_ids, now)
    if asked.publish_event:
        await world.finaliser.tell(recording, stored)
    return stored


def _duration_ms(asked: NewObjects) -> int:
    """Return what a WAV file of at most `wav_bytes` plays; its length is exact to the millisecond."""
    if asked.wav_bytes is None:
        return asked.duration_ms
    channels = len(asked.participants) if asked.channel == "unmixed" else 1
    per_second = wav_length_bytes(1000, channels) - wav_length_bytes(0, channels)
    return max((asked.wav_bytes - wav_length_bytes(0, channels)) * 1000 // per_second, 1)
