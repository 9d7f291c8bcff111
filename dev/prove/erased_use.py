"""Traces that use leaves: derived files, waveforms, parts that were heard, cases, pauses, consents, counts, events."""

from datetime import datetime

from dev.in_memory.erasure_world import NAME, STAFF
from recording.domain.archived.derived import DerivedKind
from recording.domain.calls.consent import ConsentEntry, ConsentStep
from recording.domain.calls.pauses import CommandedPause
from recording.domain.incoming.running import Place, RunningCount
from recording.domain.incoming.start_rate import StartCount
from recording.domain.model import with_changes
from recording.domain.outgoing.events import Subject, SubjectKind
from recording.domain.outgoing.message import NotifyTask
from recording.domain.state.chunk import Dismissal
from recording.domain.state.records import changed
from recording.library.derived.make import make_derived
from recording.library.keep.assess import keeping_of
from recording.library.keep.holds import place_hold, release_hold
from recording.library.listening import find_media, note_listening
from recording.library.notify.send import notify_message
from recording.library.waveforms import waveform_of
from recording.ports import Ports


def plant_use(unmixed: str, other: str, ports: Ports) -> None:
    """Let people use a recording of the person, and write of the person at another one."""
    _listen_and_derive(unmixed, ports)
    _write_words(other, ports, ports.clock.now())
    assert ports.running is not None
    ports.start_counts.save(StartCount(STAFF, 1, 3))
    ports.running.save(RunningCount(STAFF, (Place("key", ports.clock.now()),)))
    for recording_id in (unmixed, other):
        notify_message(NotifyTask(subject=Subject(kind=SubjectKind.RECORDING, id=recording_id)).as_message(), ports)


def _listen_and_derive(recording_id: str, ports: Ports) -> None:
    media = find_media(recording_id, 0, None, None, ports)
    waveform_of(media, ports)
    note_listening(media, 0, 1000, STAFF, ports)
    for kind in DerivedKind:
        make_derived(recording_id, kind, ports)
    row = keeping_of(ports).custody(recording_id)
    assert row is not None
    keeping_of(ports).save_custody(with_changes(row, {"deriving_until": None}))  # a quarter of an hour later
    assert ports.derived is not None
    ports.derived.queue.send(recording_id, DerivedKind.SPEAKERS)


def _write_words(recording_id: str, ports: Ports, now: datetime) -> None:
    case = f"{NAME} against us"
    place_hold(recording_id, case, f"{NAME} sues", STAFF, ports)
    release_hold(recording_id, case, f"{NAME} gave up", STAFF, ports)
    note = Dismissal(by=STAFF, note=f"{NAME} knows", at=now)
    record = ports.catalog.get_recording(recording_id)
    assert record is not None
    pause = CommandedPause(id="pause", at=now, reason=f"{NAME} reads a card", by=STAFF, ended_at=now)
    consent = ConsentEntry(step=ConsentStep.GIVEN, at=now, by=STAFF, reference=f"mail of {NAME}", captured_by=NAME)
    ports.catalog.save_recording(changed(record, pauses=(pause,), consents=(consent,), dismissed=note))
    (chunk,) = ports.catalog.chunks_of(recording_id)
    ports.catalog.save_chunk(changed(chunk, dismissed=note))
