"""A world with every store there is, a person in each of them, and a look at every byte that any of them holds."""

import base64
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, metadata, settings, task, wav
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.fakes.quarantine import FakeDeadLetters
from dev.in_memory.fakes.seal import FakeSeal
from dev.in_memory.keep_world import attached
from dev.in_memory.world import World
from recording.domain import names
from recording.domain.calls.pauses import CommandedPause
from recording.domain.incoming.running import Place as RunningPlace
from recording.domain.incoming.running import RunningCount
from recording.domain.incoming.start_rate import StartCount
from recording.domain.keep.destroy import Place
from recording.domain.state.chunk import Dismissal
from recording.domain.state.records import RecordingChanges, changed
from recording.library.analysts import export_directory
from recording.library.handover.export import export_message, request_export
from recording.library.keep.dispose import dispose
from recording.library.keep.erasures import approve_erasure, request_erasure
from recording.library.keep.rules import set_rules
from recording.library.seal.turn import seal
from recording.library.tags import change_tags
from recording.operate.accept import accept_suspect
from recording.ports import AuditEntry, DeadLetter, QuarantineEntry

NAME = "Canary Smith"
STAFF = "0c0c0c0c-1111-2222-3333-444444444444"  # the person's object id, as a participant of Teams and as a caller
TEAMS = f"8:orgid:{STAFF}"
VOICE = b"canary's own voice "
CANARIES = (PHONE, PHONE[1:], PARTICIPANT, NAME, STAFF, VOICE.decode())
OTHER, THIRD = "recording-of-somebody-else", "recording-of-a-third"
_PLACES = {
    Place.ARCHIVE: "{ARCHIVE_CONTAINER}",
    Place.FALLBACK: names.FALLBACK_CONTAINER,
    Place.QUARANTINE: names.QUARANTINE_CONTAINER,
    Place.DEAD_LETTERS: names.DEAD_LETTER_CONTAINER,
    Place.EXPORTS: names.EXPORT_CONTAINER,
    Place.ANALYSTS: "{PARQUET_CONTAINER}",
    Place.SEAL: names.SEAL_CONTAINER,
}


def full_world(**rules_of_account: Any) -> tuple[World, FakeCustodian]:
    """Return a world with all stores, two archived recordings, and the person in every store."""
    here = World(settings=settings(parquet_container="analysts", parquet_tags=("line",)))
    fakes = here.fakes
    for name, fake in {
        "seal": FakeSeal(),
        "analysts": FakeArchive(),
        "fallback": FakeArchive(),
        "dead_letters": FakeDeadLetters(*(_letter(number, text) for number, text in enumerate(spelt(PHONE)))),
    }.items():
        object.__setattr__(fakes, name, fake)
    custodian = attached(fakes, **rules_of_account)
    here.reports_to(FakeWay("elsewhere", frozenset()))
    _archive(here)
    _plant(here)
    return here, custodian


def spelt(word: str) -> list[str]:
    """Return a text with a word in it, once in each way that somebody may have written it."""
    plain = json.dumps([{"who": word, "n": 1}])
    packed = base64.b64encode(gzip.compress(plain.encode(), mtime=0)).decode()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("notes.json"), plain * 3, zipfile.ZIP_DEFLATED)
    return [
        plain,
        f"x{packed}",
        base64.b64encode(zipped.getvalue()).decode(),
        base64.b64encode(plain.encode()).decode(),
        base64.urlsafe_b64encode(f"?{plain}".encode()).decode(),
        quote(plain, safe=""),
        plain.encode("utf-16-le").decode("latin-1"),
        "".join(f"\\u{ord(letter):04x}" for letter in word),
    ]


def _letter(number: int, text: str) -> DeadLetter:
    return DeadLetter(f"2026/11/{number}.json", text, World().now)


def _archive(here: World) -> None:
    media = _wav_with(VOICE)
    here.holds(task(), media)
    here.announces()
    other = task(0, document_id(77), recording_id=OTHER)
    here.holds(other, document=json.dumps({"participants": [{"participantId": "8:acs:somebody-else"}]}).encode())
    subject = f"/recording/call/call-{OTHER}/serverCallId/x/recordingId/{OTHER}"
    here.announces(event(chunk(0, document_id(77)), subject=subject, id="other"))
    here.runs_due()
    here.follows_up()


def _wav_with(voice: bytes) -> bytes:
    whole = bytearray(wav())
    whole[44 : 44 + len(voice)] = voice
    return bytes(whole)


def _plant(here: World) -> None:
    """Put the person into every store, with more than one spelling where texts of others are kept."""
    fakes, ports = here.fakes, here.ports
    folder = here.record().task.folder
    assert fakes.fallback is not None
    fakes.fallback.put_once(f"{folder}/0000.wav", VOICE + PHONE.encode(), "audio/wav")
    fakes.archive.put_once(f"{folder}/0000-{document_id()}.peaks.json", PARTICIPANT.encode(), "application/json")
    for number, text in enumerate((*spelt(PHONE), *spelt(PARTICIPANT), *spelt(NAME))):
        fakes.quarantine.put(QuarantineEntry(f"odd{number}", "d", text, "event_queue", here.now))
        fakes.queue.poison_event(text)
        fakes.queue.poison(text)
        for name in names.BESIDE_THE_LINE:
            fakes.leftovers.gives_up(name, text)
    dismissed = fakes.quarantine.put(QuarantineEntry("odd", "d", "harmless", "event_queue", here.now))
    fakes.quarantine.mark_dismissed(dismissed, here.now, f"{NAME} called")
    fakes.quarantine.mark_dismissed(dismissed, here.now, "nothing to do")
    fakes.audit.add(AuditEntry(here.now, "dismiss_held", None, STAFF, "done", f"they said {PARTICIPANT} called"))
    fakes.audit.add(AuditEntry(here.now, "listen", OTHER, STAFF.upper(), "done", f"for {NAME}", part=f"for {PHONE}"))
    record = fakes.catalog.recordings[RECORDING_ID]
    affinity: dict[str, object] = {"channelAffinity": [{"channel": 0, "participant": PARTICIPANT}]}
    pause = CommandedPause(id="pause", at=here.now, reason=f"{NAME} reads a card", by=STAFF, ended_at=here.now)
    note = Dismissal(by=STAFF, note=f"{NAME} knows", at=here.now)
    words: RecordingChanges = {"request": affinity, "tags": {"line": NAME, "vip": PHONE}}
    record = changed(record, **words)
    fakes.catalog.save_recording(changed(record, started_by=STAFF, pauses=(pause,), call_dismissed=note))
    change_tags(OTHER, {"tags": {"line": f"for {NAME}", "asked": PHONE}}, "*", ports)
    (known,) = [one for one in fakes.catalog.chunks.values() if one.task.recording_id == OTHER]
    fakes.start_counts.save(StartCount(STAFF, 1, 3))
    fakes.running.save(RunningCount(STAFF, (RunningPlace("key", here.now),)))
    other = fakes.catalog.recordings[OTHER]
    fakes.catalog.save_recording(changed(other, pauses=(pause,)))
    fakes.catalog.save_chunk(changed(known, dismissed=note))
    for number, when in enumerate(({"tags": {"line": NAME, f"of {PHONE}": None}}, {})):
        rule = {
            "name": f"{number} for {NAME}",
            "action": "retain",
            "days": 0,
            "legal": False,
            "note": f"as {NAME} said",
        }
        set_rules({"note": f"{NAME} asked", "rules": [{**rule, "when": when}]}, "*", STAFF, ports)
    here.follows_up()
    export_directory(ports, here.settings)
    for ids in ([RECORDING_ID], [RECORDING_ID, OTHER], [OTHER]):
        request_export({"recordings": ids, "note": f"for {NAME}"}, STAFF, ports, here.settings)
        for export_id in fakes.export_queue.take():
            export_message(json.dumps({"exportId": export_id}), ports, here.settings)
    request_erasure({"recordings": [OTHER], "reason": f"{NAME} wrote"}, STAFF, ports, here.settings)
    seal(ports)
    here.follows_up()
    here.notifies()


def accept(here: World) -> str:
    """Have the person accept suspect media of a third recording, with the person's name; return that recording's id."""
    media = task(0, document_id(78), recording_id=THIRD)
    people = [{"participantId": "8:acs:third"}]
    told = metadata(chunkDuration=60_000, resourceId=THIRD, chunkDocumentId=document_id(78), participants=people)
    here.holds(media, wav(2000), told)  # two seconds where the metadata says a minute
    subject = f"/recording/call/call-{THIRD}/serverCallId/x/recordingId/{THIRD}"
    here.announces(event(chunk(0, document_id(78)), subject=subject, id="third"))
    here.runs(hours=22)
    (known,) = here.ports.catalog.chunks_of(THIRD)
    accept_suspect(known.key, known.suspects[0].blob_name, f"{NAME} called {PHONE}", STAFF, here.ports)
    here.runs(hours=1)
    here.follows_up()
    here.notifies()
    seal(here.ports)
    return THIRD


def erase(here: World, **changes: Any) -> str:
    """Ask and approve; the person is known by a number, two ids and a name."""
    body = {"participant": PHONE, "alsoKnownAs": [PARTICIPANT, TEAMS, NAME], "reason": "letter of 3 May", **changes}
    asked = request_erasure(body, "alice", here.ports, here.settings)
    approve_erasure(asked.erasure_id, "bob", here.ports, here.settings)
    return asked.erasure_id


def nights(here: World, days: int) -> None:
    """Let nights go by, with all that runs in them."""
    for _ in range(days):
        here.fakes.clock.advance(days=1)
        dispose(here.ports, here.settings)
        here.follows_up()
        here.notifies()
        seal(here.ports)


def everything(here: World, custodian: FakeCustodian) -> Iterator[tuple[str, str, bytes]]:
    """Yield every item of every store: the store's name in the table of stores, the item's name, its bytes."""
    fakes = here.fakes
    for one in custodian.remaining():
        yield _PLACES[one.facts.place], one.facts.name, one.data
    yield names.EXPORT_CONTAINER, "staged", repr(dict(fakes.bundles.staged)).encode()
    rows: dict[str, list[object]] = {
        names.RECORDINGS_TABLE: [
            *(record.model_dump_json() for record in fakes.catalog.recordings.values()),
            *fakes.start_counts.rows.values(),
            *fakes.running.rows.values(),
            *fakes.catalog.cursors.items(),
        ],
        names.CHUNKS_TABLE: [record.model_dump_json() for record in fakes.catalog.chunks.values()],
        names.AUDIT_TABLE: list(fakes.audit.written),
        names.CUSTODY_TABLE: [
            row.model_dump_json()
            for row in (*fakes.keeping.rows.values(), *fakes.keeping.requests.values(), *fakes.keeping.made.values())
        ],
        names.DIRECTORY_TABLE: list(fakes.directory.rows.items()),
        names.SEAL_TABLE: list(fakes.seal.waiting.items.values()) if fakes.seal else [],
        names.CHUNKS_QUEUE: list(fakes.queue.sent),
        names.EVENTS_POISON_QUEUE: list(fakes.queue.poison_bodies),
        **{f"{name}-poison": [*fakes.leftovers.bodies_of(name)] for name in names.BESIDE_THE_LINE},
        names.FOLLOW_UPS_QUEUE: list(fakes.follow_ups.sent),
        names.EXPORTS_QUEUE: list(fakes.export_queue.sent),
        names.GUARDS_QUEUE: list(fakes.guards.sent),
        names.DERIVED_QUEUE: list(fakes.derived.sent),
    }
    if fakes.outgoing is not None:
        outbox = fakes.outgoing.outbox
        told = [one.model_dump_json() for one in (*outbox.entries.values(), *outbox.kept.values())]
        rows |= {
            names.OUTBOX_TABLE: [*told, *outbox.lists.items()],
            names.OUTBOX_QUEUE: list(fakes.outgoing.queue.sent),
        }
    for store, items in rows.items():
        for number, item in enumerate(items):
            yield store, str(number), str(item).encode(errors="replace")
        yield store, "", b""


def remaining_days(custodian: FakeCustodian) -> timedelta:
    """Return the days of soft delete of the account."""
    return custodian.soft_delete
