"""The faults of reading and deleting a stored chunk."""

from collections.abc import Mapping
from types import MappingProxyType

from dev.acs_simulator.faults.kinds import FaultKind, FaultRule, Operation

_READ = frozenset({Operation.CONTENT, Operation.METADATA})
_STORAGE = _READ | {Operation.DELETE}

STORAGE_RULES: Mapping[FaultKind, FaultRule] = MappingProxyType(
    {
        FaultKind.REDIRECT: FaultRule(
            _STORAGE,
            "answers `status` with Location `location` (foreign hosts too)",
            {"location": "https://storage.example.org/", "status": 302},
        ),
        FaultKind.ODD_REDIRECT: FaultRule(
            _STORAGE,
            "answers `status` with a Location that differs in one thing: scheme `http`, or `port_443` or `capitals` of "
            "another storage host, a `foreign` host, `other_object` (made up if not `other_document_id`), or a `loop`",
            {"to": "http", "host": None, "other_document_id": None, "status": 302},
            {"to": ("http", "port_443", "capitals", "foreign", "other_object", "loop")},
        ),
        FaultKind.WRONG_BODY: FaultRule(
            _READ,
            "another body, steady and well formed in HTTP: a `block_page` (text/html, 200), an error in `json` (200), "
            "`header_only` (the media without its sound or picture, 206 if asked for a range), or `text`",
            {"body": "block_page", "text": None, "status": None, "content_type": None},
            {"body": ("block_page", "json", "header_only")},
        ),
        FaultKind.PREFIX: FaultRule(
            _READ,
            "the object is only its first `fraction` or `length_bytes`, in consistent answers; with "
            "`whole_after_seconds` it grows from there to the whole, and its total with it",
            {"fraction": 0.5, "length_bytes": None, "whole_after_seconds": None},
        ),
        FaultKind.ZERO_BYTES: FaultRule(_READ, "200, Content-Length 0, as first reads of a cold object were seen"),
        FaultKind.SHORT_BODY: FaultRule(
            _READ,
            "sends `fraction` of the body and says so in Content-Length; Content-Range total is true unless `lie`",
            {"fraction": 0.5, "lie": False},
        ),
        FaultKind.CUT: FaultRule(
            _READ,
            "promises all, sends `fraction` or `sent_bytes`, then `ending` close, reset or wait",
            {"fraction": 0.5, "sent_bytes": None, "ending": "reset"},
        ),
        FaultKind.CLOSE_DELIMITED_CUT: FaultRule(
            _READ, "no Content-Length; sends `fraction` and closes cleanly", {"fraction": 0.5}
        ),
        FaultKind.GZIP: FaultRule(_READ, "sends the body gzip-encoded"),
        FaultKind.TRUNCATED_GZIP: FaultRule(_READ, "sends the first half of the gzip-encoded body as if it were all"),
        FaultKind.IGNORE_RANGE: FaultRule(_READ, "answers 200 with the whole body to a ranged request"),
        FaultKind.WRONG_TOTAL: FaultRule(_READ, "Content-Range total is off by `by_bytes`", {"by_bytes": 1000}),
        FaultKind.DIFFERENT_BYTES: FaultRule(
            _READ, "same length, but the byte at `offset` of the object (default its middle) differs", {"offset": None}
        ),
        FaultKind.GROWN: FaultRule(_READ, "the object is `by_bytes` longer, zeros at the end", {"by_bytes": 1000}),
        FaultKind.SLOW_DRIP: FaultRule(
            _READ, "sends `bytes_per_second`, in ten pieces a second", {"bytes_per_second": 65_536}
        ),
        FaultKind.STALL: FaultRule(
            _READ, "pauses `seconds` after `fraction` of the body, then goes on", {"fraction": 0.5, "seconds": 30.0}
        ),
        FaultKind.EXPIRE_MIDWAY: FaultRule(
            _READ, "retention ends after `fraction` of the body: reset, and 404 from then on", {"fraction": 0.5}
        ),
        FaultKind.INVALID_JSON: FaultRule(frozenset({Operation.METADATA}), "the document stops in the middle"),
        FaultKind.BYTE_ORDER_MARK: FaultRule(frozenset({Operation.METADATA}), "the document begins with a UTF-8 BOM"),
        FaultKind.MISMATCH: FaultRule(
            frozenset({Operation.METADATA}), "chunkDocumentId and chunkIndex are those of another chunk"
        ),
        FaultKind.UNKNOWN_FIELDS: FaultRule(frozenset({Operation.METADATA}), "the document has fields nobody knows"),
        FaultKind.KEEP_OBJECT: FaultRule(frozenset({Operation.DELETE}), "answers 200 but deletes nothing"),
        FaultKind.DELETE_METADATA_ONLY: FaultRule(
            frozenset({Operation.DELETE}), "answers 200, deletes the metadata and keeps the media"
        ),
    }
)
