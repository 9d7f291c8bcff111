"""Names of queues, containers and tables, shared by the app, its deployment and the local world."""


def poison_of(queue: str) -> str:
    """Return the name that the Functions host gives to the poison queue of a queue."""
    return f"{queue}-poison"


EVENTS_QUEUE = "recording-events"
CHUNKS_QUEUE = "recording-chunks"
FOLLOW_UPS_QUEUE = "recording-follow-ups"
EXPORTS_QUEUE = "recording-exports"
GUARDS_QUEUE = "recording-guards"
DERIVED_QUEUE = "recording-derived"
OUTBOX_QUEUE = "recording-outbox"
EVENTS_POISON_QUEUE = poison_of(EVENTS_QUEUE)
CHUNKS_POISON_QUEUE = poison_of(CHUNKS_QUEUE)
BESIDE_THE_LINE = (
    FOLLOW_UPS_QUEUE,
    EXPORTS_QUEUE,
    GUARDS_QUEUE,
    DERIVED_QUEUE,
    OUTBOX_QUEUE,
)  # whose leftovers go back
BESIDE_POISON_QUEUES = tuple(map(poison_of, BESIDE_THE_LINE))
QUARANTINE_CONTAINER = "recording-quarantine"
DEAD_LETTER_CONTAINER = "recording-dead-letters"
FALLBACK_CONTAINER = "recordings-fallback"
SEAL_CONTAINER = "recording-seal"
EXPORT_CONTAINER = "recording-exports"
CHUNKS_TABLE = "chunks"
RECORDINGS_TABLE = "recordings"
AUDIT_TABLE = "audit"
DIRECTORY_TABLE = "directory"
SEAL_TABLE = "seal"
CUSTODY_TABLE = "custody"
INGEST_FUNCTION = "ingest_event"  # the function that Event Grid calls
OUTBOX_TABLE = "outbox"
