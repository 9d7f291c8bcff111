"""The faults of exports, events and callbacks."""

from collections.abc import Mapping
from types import MappingProxyType

from dev.acs_simulator.faults.kinds import FaultKind, FaultRule, Operation
from dev.acs_simulator.faults.odd_forms import CHUNK_FORMS, ID_FORMS, LOCATION_FORMS

_EVENT = frozenset({Operation.EVENT})
_TOLD = frozenset({Operation.EVENT, Operation.CALLBACK})

EVENT_RULES: Mapping[FaultKind, FaultRule] = MappingProxyType(
    {
        FaultKind.EXPORT_FAILED: FaultRule(
            frozenset({Operation.EXPORT}), "the customer's container is not written; the event has ACS locations"
        ),
        FaultKind.EXPORT_TWICE: FaultRule(
            frozenset({Operation.EXPORT}), "the customer's container gets the files twice, under two names"
        ),
        FaultKind.EXPORT_HALF: FaultRule(
            frozenset({Operation.EXPORT}),
            "only `exported` (metadata or content) goes to the customer's container; the other stays at ACS, with its "
            "delete location",
            {"exported": "metadata"},
            {"exported": ("metadata", "content")},
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
        FaultKind.ODD_TIME: FaultRule(
            _EVENT,
            "`field` is `value`: .NET's year 1, 11/27/2026, a number …; it is absent when `value` is null",
            {"field": "eventTime", "value": "0001-01-01T00:00:00Z"},
            {"field": ("eventTime", "recordingStartTime")},
        ),
        FaultKind.ODD_LOCATION: FaultRule(
            _EVENT,
            f"`field` of every chunk, or of the one at `chunk`, is written otherwise: {', '.join(LOCATION_FORMS)}",
            {"field": "deleteLocation", "form": "trailing_slash", "chunk": None},
            {"field": ("contentLocation", "metadataLocation", "deleteLocation"), "form": tuple(LOCATION_FORMS)},
        ),
        FaultKind.ODD_CHUNK: FaultRule(
            _EVENT,
            f"the chunk at `chunk` is odd and the others are good: {', '.join(CHUNK_FORMS)}",
            {"chunk": 1, "form": "foreign_host"},
            {"form": tuple(CHUNK_FORMS)},
        ),
        FaultKind.DATA_IDS: FaultRule(
            _EVENT,
            f"data has `storageType` and `recordingId` as in 2026; `form` of the id: {', '.join(ID_FORMS)}",
            {"form": "same", "storage_type": "ACS"},
            {"form": ID_FORMS},
        ),
    }
)
