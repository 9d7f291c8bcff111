"""Names of the queues, containers and tables that the app, its deployment and the local world agree on."""

EVENTS_QUEUE = "recording-events"
CHUNKS_QUEUE = "recording-chunks"
FOLLOW_UPS_QUEUE = "recording-follow-ups"
EVENTS_POISON_QUEUE = f"{EVENTS_QUEUE}-poison"  # the Functions host makes this name
CHUNKS_POISON_QUEUE = f"{CHUNKS_QUEUE}-poison"
QUARANTINE_CONTAINER = "recording-quarantine"
DEAD_LETTER_CONTAINER = "recording-dead-letters"
FALLBACK_CONTAINER = "recordings-fallback"
CHUNKS_TABLE = "chunks"
RECORDINGS_TABLE = "recordings"
AUDIT_TABLE = "audit"
DIRECTORY_TABLE = "directory"
