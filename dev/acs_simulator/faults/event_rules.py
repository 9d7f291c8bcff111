"""The faults of exports, events and callbacks."""

from collections.abc import Mapping
from types import MappingProxyType

from dev.acs_simulator.faults.kinds import FaultKind, FaultRule, Operation

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
