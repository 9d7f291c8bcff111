"""Stores: every container, table and queue, the personal data that it may hold, and how that is erased. Pure.

The eraser and the proof use the same table. A store that is missing here fails a test, and so does a sweep that is not
implemented.
"""

from dataclasses import dataclass
from enum import StrEnum

from recording.domain import names


class StoreKind(StrEnum):
    """What a store is to the service."""

    CONTAINER = "container"
    TABLE = "table"
    QUEUE = "queue"


class Sweep(StrEnum):
    """How a store is cleared of a person."""

    DESTROY = "destroy"  # with the recording, by the custodian, every version
    SILENCE = "silence"  # one speaker's channel, where only that speaker is erased; else as DESTROY
    SCAN = "scan"  # every blob is read, and those that name the person or an erased recording are destroyed
    WITHDRAW = "withdraw"  # rows of the seal's journals are withdrawn, and the log says so
    REWRITE = "rewrite"  # files that are made from others are made again
    WITHHOLD = "withhold"  # words are taken out of rows, which stay
    REMOVE = "remove"  # rows of the recording are removed
    DRAIN = "drain"  # messages that the host gave up on are read, and those that name the person are removed
    PASSES = "passes"  # messages last for minutes and name no person; what results from them is swept later
    NOTHING = "nothing"  # digests, keyed hashes and positions: nothing of a person


@dataclass(frozen=True)
class Store:
    """One store. A name in braces is the setting that names it."""

    kind: StoreKind
    name: str
    holds: str
    sweep: Sweep


_C, _T, _Q = StoreKind.CONTAINER, StoreKind.TABLE, StoreKind.QUEUE
STORES = (
    Store(
        _C,
        "{ARCHIVE_CONTAINER}",
        "media, metadata, receipts, manifests, waveforms, derived files, proofs; certificates name nobody",
        Sweep.SILENCE,
    ),
    Store(_C, names.FALLBACK_CONTAINER, "media and metadata that the archive refused", Sweep.DESTROY),
    Store(
        _C,
        names.EXPORT_CONTAINER,
        "bundles with media, metadata and vCons, and the notes of their parts",
        Sweep.DESTROY,
    ),
    Store(_C, names.QUARANTINE_CONTAINER, "payloads as received, details, notes of operators", Sweep.SCAN),
    Store(_C, names.DEAD_LETTER_CONTAINER, "events that Event Grid gave up on", Sweep.SCAN),
    Store(
        _C,
        names.SEAL_CONTAINER,
        "rows of the audit trail in the journals; the log itself holds digests",
        Sweep.WITHDRAW,
    ),
    Store(_C, "{PARQUET_CONTAINER}", "tags that PARQUET_TAGS names, ids of recordings", Sweep.REWRITE),
    Store(
        _T, names.RECORDINGS_TABLE, "start requests, tags, consent, notes; keyed hashes of participants", Sweep.WITHHOLD
    ),
    Store(_T, names.CHUNKS_TABLE, "notes of operators, remarks", Sweep.WITHHOLD),
    Store(_T, names.AUDIT_TABLE, "notes, parts, object ids of callers", Sweep.WITHHOLD),
    Store(_T, names.CUSTODY_TABLE, "reasons of holds and of erasures, object ids, words of rules", Sweep.WITHHOLD),
    Store(_T, names.DIRECTORY_TABLE, "rows under keyed hashes of participants, numbers and tags", Sweep.REMOVE),
    Store(_T, names.SEAL_TABLE, "names of what waits to be sealed", Sweep.NOTHING),
    Store(_Q, names.EVENTS_QUEUE, "events as ACS sent them", Sweep.PASSES),
    Store(_Q, names.CHUNKS_QUEUE, "ids, locations and times of chunks", Sweep.PASSES),
    Store(_Q, names.FOLLOW_UPS_QUEUE, "ids of recordings, lines for the log", Sweep.NOTHING),
    Store(_Q, names.EXPORTS_QUEUE, "ids of exports", Sweep.NOTHING),
    Store(_T, names.OUTBOX_TABLE, "ids, digests and times of events that go out", Sweep.NOTHING),
    Store(_Q, names.OUTBOX_QUEUE, "ids of events that go out", Sweep.NOTHING),
    Store(_Q, names.DERIVED_QUEUE, "ids of recordings", Sweep.NOTHING),
    Store(_Q, names.GUARDS_QUEUE, "ids of recordings and of pauses", Sweep.NOTHING),
    Store(_Q, names.EVENTS_POISON_QUEUE, "whatever was sent as an event", Sweep.DRAIN),
    Store(_Q, names.CHUNKS_POISON_QUEUE, "whatever was sent as a chunk", Sweep.DRAIN),
    *(Store(_Q, name, "whatever was sent beside the line", Sweep.DRAIN) for name in names.BESIDE_POISON_QUEUES),
)
