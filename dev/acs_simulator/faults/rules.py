"""The table of every fault there is: where it may strike, its arguments with their defaults, and what a client sees.

`RULES` covers the failure modes of the service contract: statuses seen in the wild, Microsoft's http-fault-injector
endings (full, partial or no answer, then wait, close or abort), the storage plane's bad bytes, and events that are
lost, late or wrong.

Operations: `start_recording get_recording pause_recording resume_recording stop_recording` (control plane), `callback`
(the POST to recordingStateCallbackUri), `content metadata delete` (storage plane), `export` (bring-your-own-storage),
`event` (the Event Grid event; how Event Grid *delivers* it is scripted with `dev.event_grid.DeliveryPlan`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

Argument = str | int | float | bool | None
"""What a fault's argument may be: anything JSON has for one value."""


class Operation(StrEnum):
    """What a fault can strike."""

    START = "start_recording"
    GET = "get_recording"
    PAUSE = "pause_recording"
    RESUME = "resume_recording"
    STOP = "stop_recording"
    CALLBACK = "callback"
    CONTENT = "content"
    METADATA = "metadata"
    DELETE = "delete"
    EXPORT = "export"
    EVENT = "event"


class FaultKind(StrEnum):
    """Every fault there is; `RULES` says what each one does."""

    STATUS = "status"
    DELAY = "delay"
    NO_RESPONSE = "no_response"
    NO_RESPONSE_AFTER_COMMIT = "no_response_after_commit"
    ANSWER_STATUS = "answer_status"
    ACCEPTED = "accepted"
    ACCEPTED_THEN_FAILED = "accepted_then_failed"
    UNKNOWN_STATE = "unknown_state"
    MISSING_RECORDING_KIND = "missing_recording_kind"
    NOT_FOUND_BUT_DONE = "not_found_but_done"
    REDIRECT = "redirect"
    ZERO_BYTES = "zero_bytes"
    SHORT_BODY = "short_body"
    CUT = "cut"
    CLOSE_DELIMITED_CUT = "close_delimited_cut"
    GZIP = "gzip"
    TRUNCATED_GZIP = "truncated_gzip"
    IGNORE_RANGE = "ignore_range"
    WRONG_TOTAL = "wrong_total"
    DIFFERENT_BYTES = "different_bytes"
    GROWN = "grown"
    SLOW_DRIP = "slow_drip"
    STALL = "stall"
    EXPIRE_MIDWAY = "expire_midway"
    INVALID_JSON = "invalid_json"
    BYTE_ORDER_MARK = "byte_order_mark"
    MISMATCH = "mismatch"
    UNKNOWN_FIELDS = "unknown_fields"
    KEEP_OBJECT = "keep_object"
    DELETE_METADATA_ONLY = "delete_metadata_only"
    EXPORT_FAILED = "export_failed"
    EXPORT_TWICE = "export_twice"
    LOSE = "lose"
    LATE = "late"
    DUPLICATE = "duplicate"
    EARLY_EVENT = "early_event"
    SPLIT_CHUNKS = "split_chunks"
    REVERSE_CHUNKS = "reverse_chunks"
    EMPTY_CHUNKS = "empty_chunks"
    WRONG_CASE = "wrong_case"
    HOSTILE_URL = "hostile_url"
    OTHER_DELETE_LOCATION = "other_delete_location"
    DROP_FIELD = "drop_field"
    OTHER_RESOURCE = "other_resource"


@dataclass(frozen=True)
class FaultRule:
    """Where a kind of fault may strike, its arguments with defaults, and what is seen."""

    operations: frozenset[Operation]
    meaning: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)


_CONTROL = frozenset({Operation.START, Operation.GET, Operation.PAUSE, Operation.RESUME, Operation.STOP})
_READ = frozenset({Operation.CONTENT, Operation.METADATA})
_STORAGE = _READ | {Operation.DELETE}
_COMMITTING = frozenset({Operation.START, Operation.PAUSE, Operation.RESUME, Operation.STOP, Operation.DELETE})
_EVENT = frozenset({Operation.EVENT})
_TOLD = frozenset({Operation.EVENT, Operation.CALLBACK})

RULES: Mapping[FaultKind, FaultRule] = MappingProxyType(
    {
        FaultKind.STATUS: FaultRule(
            _CONTROL | _STORAGE,
            "answers `status` and does nothing; body `acs` ({error:{code,message}}), `ams`, `html` or `empty`",
            {"status": 503, "code": None, "message": None, "body": None, "retry_after": None},
        ),
        FaultKind.DELAY: FaultRule(_CONTROL | _STORAGE, "waits `seconds`, then all is normal", {"seconds": 3.0}),
        FaultKind.NO_RESPONSE: FaultRule(
            _CONTROL | _STORAGE, "does nothing and answers nothing: `ending` close, reset or wait", {"ending": "reset"}
        ),
        FaultKind.NO_RESPONSE_AFTER_COMMIT: FaultRule(
            _COMMITTING, "does it, then the connection ends without an answer", {"ending": "reset"}
        ),
        FaultKind.ANSWER_STATUS: FaultRule(
            _COMMITTING,
            "does it, but answers `status` (older versions, 202/204/404 of a delete, 302 with `location`)",
            {"status": 200, "location": None},
        ),
        FaultKind.ACCEPTED: FaultRule(
            frozenset({Operation.START}), "answers 202 and starts; a RecordingStateChanged callback follows"
        ),
        FaultKind.ACCEPTED_THEN_FAILED: FaultRule(
            frozenset({Operation.START}), "answers 202, then calls StartRecordingFailed back; nothing is recorded"
        ),
        FaultKind.UNKNOWN_STATE: FaultRule(
            frozenset({Operation.START, Operation.GET}),
            "answers a recordingState of the future",
            {"state": "suspended"},
        ),
        FaultKind.MISSING_RECORDING_KIND: FaultRule(
            frozenset({Operation.START, Operation.GET}), "leaves recordingKind out of the answer"
        ),
        FaultKind.NOT_FOUND_BUT_DONE: FaultRule(
            frozenset({Operation.STOP}), "answers 404 8522 though it stops and files will arrive (HADR known issue)"
        ),
        FaultKind.REDIRECT: FaultRule(
            _STORAGE,
            "answers `status` with Location `location` (foreign hosts too)",
            {"location": "https://storage.example.org/", "status": 302},
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
        FaultKind.EXPORT_FAILED: FaultRule(
            frozenset({Operation.EXPORT}), "the customer's container is not written; the event has ACS locations"
        ),
        FaultKind.EXPORT_TWICE: FaultRule(
            frozenset({Operation.EXPORT}), "the customer's container gets the files twice, under two names"
        ),
        FaultKind.LOSE: FaultRule(_TOLD, "never sent"),
        FaultKind.LATE: FaultRule(_TOLD, "sent `seconds` late (past the retention if you like)", {"seconds": 90_000.0}),
        FaultKind.DUPLICATE: FaultRule(
            _TOLD, "sent with `copies` more, of the same id or a `new_id`", {"copies": 1, "new_id": False}
        ),
        FaultKind.EARLY_EVENT: FaultRule(
            _EVENT, "sent before the objects are readable: 404 for `seconds` after it", {"seconds": 5.0}
        ),
        FaultKind.SPLIT_CHUNKS: FaultRule(
            _EVENT, "two events whose chunk lists overlap by `overlap` chunks", {"overlap": 1}
        ),
        FaultKind.REVERSE_CHUNKS: FaultRule(_EVENT, "the chunks are listed from last to first"),
        FaultKind.EMPTY_CHUNKS: FaultRule(_EVENT, "the chunk list is empty"),
        FaultKind.WRONG_CASE: FaultRule(_EVENT, "field names of data and chunks begin with a capital"),
        FaultKind.HOSTILE_URL: FaultRule(
            _EVENT,
            "every chunk's `field` is `url`",
            {"field": "contentLocation", "url": "https://files.example.org/v1"},
        ),
        FaultKind.OTHER_DELETE_LOCATION: FaultRule(_EVENT, "deleteLocation names a document that is not the chunk's"),
        FaultKind.DROP_FIELD: FaultRule(_EVENT, "every chunk lacks `field`", {"field": "metadataLocation"}),
        FaultKind.OTHER_RESOURCE: FaultRule(
            _EVENT, "topic is another ACS resource's", {"topic": "/subscriptions/0/resourcegroups/other"}
        ),
    }
)
