"""Spoils a metadata document in the ways a parser must survive."""

import json

from dev.acs_simulator.faults.kinds import FaultKind
from dev.acs_simulator.faults.script import Fault
from dev.acs_simulator.state.identifiers import new_document_id

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def altered_metadata(document: bytes, fault: Fault | None) -> bytes:
    """Return the document as the fault leaves it; faults that are not about the document leave it whole."""
    match fault.kind if fault is not None else None:
        case FaultKind.INVALID_JSON:
            return document[: len(document) // 2]
        case FaultKind.BYTE_ORDER_MARK:
            return BYTE_ORDER_MARK + document
        case FaultKind.MISMATCH:
            return _with(document, chunkDocumentId=new_document_id(), chunkIndex=_index(document) + 1)
        case FaultKind.UNKNOWN_FIELDS:
            return _with(document, version="2.0", transcript={"language": "en-US", "confidence": 0.5})
    return document


def _index(document: bytes) -> int:
    return int(json.loads(document)["chunkIndex"])


def _with(document: bytes, **fields: object) -> bytes:
    return json.dumps({**json.loads(document), **fields}).encode()
