"""The outcome of the source after the receipt: a second document, because the receipt is sealed. Pure."""

import hashlib
import json

from recording.domain.archived.rebuilt import REASON
from recording.domain.state.chunk import ChunkRecord

SCHEMA = 1


def after_name(media: str) -> str:
    """Return the document's name, beside the receipt."""
    return media.rpartition(".")[0] + ".after.json"


def may_be_told(record: ChunkRecord) -> bool:
    """Return whether the catalog knows the outcome of the source; a rebuilt record does not."""
    return record.source is not None and record.source_reason != REASON


def follows(document: bytes, receipt: bytes) -> bool:
    """Return whether such a document names this receipt."""
    try:
        told = json.loads(document)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("receiptSha256") == hashlib.sha256(receipt).hexdigest()


def after_of(record: ChunkRecord, receipt: bytes) -> bytes:
    """Return the document: its receipt, and how, when and why the source was deleted or left.

    Args:
        record: a chunk whose source is settled.
        receipt: as stored in the archive.
    """
    facts = {
        "schema": SCHEMA,
        "recordingId": record.task.recording_id,
        "documentId": record.task.document_id,
        "index": record.task.index,
        "receiptSha256": hashlib.sha256(receipt).hexdigest(),
        "source": record.source,
        "sourceReason": record.source_reason,
        "sourceDeletedAt": record.source_deleted_at.isoformat() if record.source_deleted_at else None,
    }
    return json.dumps(facts, indent=2).encode() + b"\n"
