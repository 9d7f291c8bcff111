"""A person is erased from a real storage account, Azurite's, through the app's own adapters; then every byte is read.

The person is in every store, in every spelling, in a recording that goes as a whole and in one of which a channel goes.
What Azurite cannot do (versions, soft delete, immutability) is proved in memory, by the same scan.
"""

import base64
import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueServiceClient
from pydantic import SecretStr

from dev.azurite import Azurite, is_installed
from dev.in_memory.builders import metadata, settings, wav
from dev.in_memory.canaries import PARTICIPANT, PHONE
from dev.in_memory.erasure_world import NAME, STAFF, TEAMS, VOICE, spelt
from dev.in_memory.fakes.archive import FakeArchive
from dev.in_memory.fakes.outgoing import FakeWay
from dev.in_memory.fakes.ports import Fakes
from dev.in_memory.fakes.seal import FakeSealKey
from dev.prove.erased_use import plant_use
from dev.prove.traces import told_by, traces
from recording.adapters.blob.archive import BlobArchive
from recording.adapters.blob.block_copies import BlockCopies
from recording.adapters.blob.custodian import BlobCustodian
from recording.adapters.blob.dead_letters import BlobDeadLetters
from recording.adapters.blob.quarantine import BlobQuarantine
from recording.adapters.storage_queue import (
    StorageChunkQueue,
    StorageDerived,
    StorageExports,
    StorageFollowUps,
    StorageGuards,
    StorageOutboxQueue,
)
from recording.adapters.system_clock import SystemClock
from recording.adapters.table.audit import TableAudit
from recording.adapters.table.audit_eraser import TableAuditEraser
from recording.adapters.table.catalog import TableCatalog
from recording.adapters.table.directory import TableDirectory, TableIndexKeys
from recording.adapters.table.keeping import TableKeeping
from recording.adapters.table.outbox import TableOutbox
from recording.adapters.table.seal_list import TableSealList
from recording.adapters.table.start_counts import TableRunningCounts, TableStartCounts
from recording.domain import names
from recording.domain.archived.importing import ImportEntry
from recording.domain.outgoing.delivery import Result
from recording.library.analysts import export_directory
from recording.library.follow_up import follow_up
from recording.library.handover.export import export_message, request_export
from recording.library.importing import import_recordings
from recording.library.keep import sweep as sweeping
from recording.library.keep.dispose import dispose
from recording.library.keep.erasures import approve_erasure, erasure_status, request_erasure
from recording.library.seal import gather
from recording.library.seal.turn import seal
from recording.library.tags import change_tags
from recording.ports import AuditEntry, Ports, QuarantineEntry
from recording.ports.library.exports import DerivedPorts, ExportPorts
from recording.ports.library.seal import SealPorts
from recording.ports.outgoing import Answer, OutgoingPorts
from recording.settings import Settings, StorageConnection

CANARIES = (PHONE, PHONE[1:], PARTICIPANT, NAME, STAFF, VOICE.decode())
OTHER = "8:acs:somebody-else"
MIXED, UNMIXED, OTHERS = "canary-mixed", "canary-unmixed", "of-somebody-else"


@dataclass
class Proof:
    """What the proof found: traces before, traces after, what is wrong beside them."""

    before: int = 0
    scanned: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


def prove(connection: str, forgotten: str | None = None) -> Proof:
    """Erase the person from an empty account, and scan all of it; a store may be forgotten, which must be found."""
    began, proof = time.perf_counter(), Proof()
    logging.getLogger("azure").setLevel(logging.WARNING)  # as the app does: the SDK logs each request's address
    known = _settings(connection)
    with _ports(known) as ports, _forgetting(forgotten):
        _plant(connection, ports, known)
        found = traces(everything(connection), CANARIES)
        proof.before = sum(map(len, found.values()))
        wanted = {names.QUARANTINE_CONTAINER, names.DEAD_LETTER_CONTAINER, names.EXPORT_CONTAINER, names.SEAL_CONTAINER}
        wanted |= {names.RECORDINGS_TABLE, names.AUDIT_TABLE, names.EVENTS_POISON_QUEUE, names.CHUNKS_POISON_QUEUE}
        wanted |= {known.archive_container, names.FALLBACK_CONTAINER, names.CUSTODY_TABLE, "analysts"}
        wanted |= {names.CHUNKS_TABLE}
        proof.faults += [f"{store} had nothing to erase" for store in sorted(wanted - set(found))]
        silent = _erase(ports, known, proof)
    stored = list(everything(connection))
    proof.scanned = len(stored)
    proof.faults += told_by(traces(stored, CANARIES))
    media = {name: data for store, name, data in stored if store == known.archive_container and name.endswith(".wav")}
    if len(media) != 2:
        proof.faults.append(f"{len(media)} files are left, not somebody else's and the one with a silent channel")
    if silent is not None and silent not in media.values():
        proof.faults.append("the file with a silent channel is not the old one with that channel silent")
    proof.seconds = time.perf_counter() - began
    return proof


def _settings(connection: str) -> Settings:
    local = StorageConnection(connection_string=SecretStr(connection))
    places = dict.fromkeys(
        ("host_storage", "archive_storage", "fallback_storage", "dead_letter_storage", "custodian_storage"), local
    )
    more: dict[str, Any] = {"parquet_container": "analysts", "parquet_tags": ("line",), "hold_grace": timedelta()}
    return settings(**places, **more)


@contextmanager
def _ports(known: Settings) -> Iterator[Ports]:
    """Give the app's ports over the account; ACS is not asked, and the seal's key is one of the tests."""

    def elsewhere(container: str) -> BlobArchive:
        return BlobArchive(known.model_copy(update={"archive_container": container}))

    made = {
        "archive": BlobArchive(known),
        "fallback": elsewhere(names.FALLBACK_CONTAINER),
        "analysts": elsewhere("analysts"),
        "catalog": TableCatalog(known),
        "quarantine": BlobQuarantine(known),
        "dead_letters": BlobDeadLetters(known),
        "audit": TableAudit(known),
        "audit_eraser": TableAuditEraser(known),
        "directory": TableDirectory(known),
        "index_keys": TableIndexKeys(known),
        "keeping": TableKeeping(known),
        "queue": StorageChunkQueue(known),
        "follow_ups": StorageFollowUps(known),
        "custodian": BlobCustodian(known),
        "guards": StorageGuards(known),
        "start_counts": TableStartCounts(known),
        "running": TableRunningCounts(known),
    }
    exports = ExportPorts(StorageExports(known), elsewhere(names.EXPORT_CONTAINER))
    sealing = SealPorts(TableSealList(known), FakeSealKey(), elsewhere(names.SEAL_CONTAINER), "proof/recording-seal")
    derived = DerivedPorts(StorageDerived(known), BlockCopies(known))
    told = FakeWay("elsewhere")
    told.answer = lambda _event: Answer(Result.FAILED)  # so that every event waits in the outbox
    outgoing = OutgoingPorts(StorageOutboxQueue(known), TableOutbox(known), [told])
    opened: tuple[Any, ...] = (exports.queue, exports.store, sealing.waiting, sealing.store)
    opened += (derived.queue, derived.copying, outgoing.queue, outgoing.outbox)
    with ExitStack() as stack:
        for one in (*made.values(), *opened):
            stack.callback(cast("Any", one).close)
        yield replace(
            Fakes().ports,
            clock=SystemClock(),
            exports=exports,
            seal=sealing,
            derived=derived,
            outgoing=outgoing,
            **cast("Any", made),
        )


@contextmanager
def _forgetting(name: str | None) -> Iterator[None]:
    plain, first = sweeping.SWEEPS, gather.FIRST_LOOK
    vars(gather)["FIRST_LOOK"] = timedelta(days=1)  # a log that begins reads the audit trail day by day
    if name is not None:
        vars(sweeping)["SWEEPS"] = {**plain, name: lambda _run: None}
    try:
        yield
    finally:
        vars(sweeping)["SWEEPS"] = plain
        vars(gather)["FIRST_LOOK"] = first


# --- the person in every store ---------------------------------------------------------------------------------------


def _unmixed() -> bytes:
    whole = bytearray(wav(500, 2))
    for at in range(44, len(whole), 4):  # the voice on the first channel, something else on the second
        whole[at : at + 2] = VOICE[(at - 44) // 2 % len(VOICE) :][:2].ljust(2, b"v")
        whole[at + 2 : at + 4] = b"\x44\x33"
    return bytes(whole)


def _mixed() -> bytes:
    whole = bytearray(wav(500))
    whole[44 : 44 + len(VOICE)] = VOICE
    return bytes(whole)


def _plant(connection: str, ports: Ports, known: Settings) -> None:
    person = {"participantId": PARTICIPANT, "phoneNumber": PHONE, "channel": 0}
    other = {"participantId": OTHER, "channel": 1}
    info = {"contentType": "audio", "channelType": "unmixed", "format": "wav"}
    source, entries = FakeArchive(), list[ImportEntry]()
    for recording_id, media, said in (
        (MIXED, _mixed(), metadata(participants=[person])),
        (
            UNMIXED,
            _unmixed(),
            metadata(recordingInfo=info, participants=[person, other]),
        ),
        (OTHERS, wav(400), metadata(participants=[{"participantId": OTHER}])),
    ):
        source.put_once(f"{recording_id}.wav", media, "audio/wav")
        source.put_once(f"{recording_id}.json", said, "application/json")
        entries.append(
            ImportEntry.model_validate(
                {"blob": f"{recording_id}.wav", "metadata": f"{recording_id}.json", "recordingId": recording_id}
                | {"index": 0, "documentId": f"document-{recording_id}", "tags": {"line": f"for {NAME}"}}
            )
        )
    done = import_recordings(entries, source, ports, known)
    assert done.problems == [], done.problems
    for recording_id in (MIXED, UNMIXED, OTHERS):
        follow_up(recording_id, ports)
    change_tags(OTHERS, {"tags": {"asked": PHONE}}, "*", ports)
    follow_up(OTHERS, ports)
    plant_use(UNMIXED, OTHERS, ports)
    _plant_elsewhere(connection, ports, known)


def _plant_elsewhere(connection: str, ports: Ports, known: Settings) -> None:
    texts = [*spelt(PHONE), spelt(PARTICIPANT)[1], spelt(NAME)[2]]
    for number, text in enumerate(texts):
        ports.quarantine.put(QuarantineEntry(f"odd{number}", "d", text, "event_queue", ports.clock.now()))
    now = ports.clock.now()
    ports.audit.add(AuditEntry(now, "listen", OTHERS, STAFF.upper(), "done", f"for {NAME}", part=f"for {PHONE}"))
    _put_blobs(connection, names.DEAD_LETTER_CONTAINER, texts)
    _put_messages(connection, texts)
    assert ports.fallback is not None
    folder = ports.catalog.chunks_of(MIXED)[0].task.folder
    ports.fallback.put_once(f"{folder}/0000.wav", VOICE + PHONE.encode(), "audio/wav")
    export_directory(ports, known)
    for ids in ([MIXED, UNMIXED], [UNMIXED, OTHERS], [OTHERS]):
        told = request_export({"recordings": ids, "note": f"for {NAME}"}, STAFF, ports, known)
        export_message(json.dumps({"exportId": told["exportId"]}), ports, known)
    request_erasure({"recordings": [OTHERS], "reason": f"{NAME} wrote"}, STAFF, ports, known)
    seal(ports)


def _put_blobs(connection: str, container: str, texts: Sequence[str]) -> None:
    with ContainerClient.from_connection_string(connection, container) as client:
        if not client.exists():
            client.create_container()
        for number, text in enumerate(texts):
            client.upload_blob(f"2026/{number}.json", text.encode())


def _put_messages(connection: str, texts: Sequence[str]) -> None:
    with QueueServiceClient.from_connection_string(connection) as service:
        for name in (names.EVENTS_POISON_QUEUE, names.CHUNKS_POISON_QUEUE):
            queue = service.create_queue(name)
            for text in texts:
                queue.send_message(base64.b64encode(text.encode()).decode())
            queue.close()


def _erase(ports: Ports, known: Settings, proof: Proof) -> bytes | None:
    body = {"participant": PHONE, "alsoKnownAs": [PARTICIPANT, TEAMS, NAME], "scope": "speaker_else_recording"}
    asked = request_erasure({**body, "reason": "letter of 3 May"}, "alice", ports, known)
    approve_erasure(asked.erasure_id, "bob", ports, known)
    for _ in range(3):  # claims and voices first, then what goes as a whole, then what is left
        report = dispose(ports, known)
        proof.faults += [f"{what}: {why}" for what, why in report.problems]
        seal(ports)
    status = erasure_status(asked.erasure_id, ports, known)
    if status.erasure.done_at is None:
        proof.faults.append(f"not done: {[one.state for one in status.items]}, {status.erasure.kept}")
    before = _unmixed()
    return before[:44] + (b"\0\0\x44\x33") * ((len(before) - 44) // 4)


# --- everything there is ---------------------------------------------------------------------------------------------


def everything(connection: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield every blob of every container, every row of every table, every message of every queue."""
    with BlobServiceClient.from_connection_string(connection) as blobs:
        for container in blobs.list_containers():
            client = blobs.get_container_client(container.name)
            for blob in client.list_blobs(include=["metadata", "snapshots", "uncommittedblobs"]):
                yield container.name, f"{blob.name} (facts)", json.dumps(dict(blob.metadata or {})).encode()
                yield container.name, blob.name, client.download_blob(blob.name).readall() if blob.size else b""
    with TableServiceClient.from_connection_string(connection) as tables:
        for table in tables.list_tables():
            for row in tables.get_table_client(table.name).list_entities():
                yield table.name, str(row["RowKey"]), repr(sorted(row.items())).encode()
    with QueueServiceClient.from_connection_string(connection) as queues:
        for queue in queues.list_queues():
            yield from _messages(queues, str(queue.name))


def _messages(service: QueueServiceClient, name: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield what can be seen of a queue; poison messages that are left unseen count as traces."""
    with service.get_queue_client(name) as queue:
        count = queue.get_queue_properties().approximate_message_count or 0
        seen = queue.peek_messages(max_messages=32)
        for message in seen:
            yield name, str(message.id), str(message.content).encode()
            yield name, str(message.id), base64.b64decode(str(message.content) + "==")
        if name.endswith("-poison") and count > len(seen):
            yield name, f"{count - len(seen)} unseen", CANARIES[0].encode()


def print_erased() -> int:
    """Prove it on an Azurite of its own, and that a forgotten store is found; 0 when both hold."""
    if not is_installed():
        print("erased: Azurite is not installed: run 'npm ci'", file=sys.stderr)
        return 2
    with Azurite() as running:
        proof = prove(running.connection_string)
    for fault in proof.faults[:20]:
        print(f"erased: {fault}")
    print(
        f"erased: {proof.before} traces of one person in all stores of an account, {len(proof.faults)} after the "
        f"erasure, in {proof.scanned} blobs, rows and messages; {proof.seconds:.0f} s"
    )
    with Azurite() as running:
        wrong = prove(running.connection_string, names.QUARANTINE_CONTAINER)
    caught = any(fault.startswith(names.QUARANTINE_CONTAINER) for fault in wrong.faults)
    print(f"erased: wrong variant 'forgets the quarantine': {'caught' if caught else 'NOT CAUGHT'}")
    return 1 if proof.faults or not caught else 0
