"""The names of what can be struck and of every fault there is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

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
    ODD_REDIRECT = "odd_redirect"
    DRIP_HEADERS = "drip_headers"
    DRIP_BODY = "drip_body"
    WRONG_BODY = "wrong_body"
    PREFIX = "prefix"
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
    EXPORT_HALF = "export_half"
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
    ODD_TIME = "odd_time"
    ODD_LOCATION = "odd_location"
    ODD_CHUNK = "odd_chunk"
    DATA_IDS = "data_ids"


@dataclass(frozen=True)
class FaultRule:
    """Where a kind of fault may strike, its arguments with defaults, and what is seen.

    `choices` has the values that an argument may have, where not every value makes sense.
    """

    operations: frozenset[Operation]
    meaning: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
