"""Names of the queues, containers and tables that the app, its deployment and the local world agree on."""

EVENTS_QUEUE = "recording-events"
CHUNKS_QUEUE = "recording-chunks"
FOLLOW_UPS_QUEUE = "recording-follow-ups"
EXPORTS_QUEUE = "recording-exports"
GUARDS_QUEUE = "recording-guards"
DERIVED_QUEUE = "recording-derived"
OUTBOX_QUEUE = "recording-outbox"
EVENTS_POISON_QUEUE = f"{EVENTS_QUEUE}-poison"  # the Functions host makes this name
CHUNKS_POISON_QUEUE = f"{CHUNKS_QUEUE}-poison"
BESIDE_THE_LINE = (
    FOLLOW_UPS_QUEUE,
    EXPORTS_QUEUE,
    GUARDS_QUEUE,
    DERIVED_QUEUE,
    OUTBOX_QUEUE,
)  # whose leftovers go back
BESIDE_POISON_QUEUES = tuple(f"{name}-poison" for name in BESIDE_THE_LINE)
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
