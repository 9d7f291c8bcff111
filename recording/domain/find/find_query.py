"""Queries of the directory: their form, and which index answers each of them best. Pure."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from recording.domain.find.directory import (
    Span,
    call_partition,
    condition_partition,
    ending_partition,
    inverse_month,
    inverse_ms,
    participant_partition,
    tag_partitions,
)
from recording.domain.find.index_keys import IndexKeys
from recording.domain.formats import FormatType
from recording.domain.ids import composed
from recording.domain.incoming.facts import Condition
from recording.domain.incoming.lenient import Time
from recording.domain.incoming.participants import canonical_participant, e164, last_digits
from recording.domain.incoming.requests import Exact, ShortText
from recording.errors import RequestError
from recording.errors.codes import Code

LARGEST_PAGE = 200
_HASHED = "h:"  # a participant by the hash from an answer: such a URL names no person
_POSITION_BYTES = 512


class FindState(StrEnum):
    """The values of the query parameter `state`."""

    RECORDING = "recording"
    AT_RISK = "at_risk"
    HELD = "held"
    MISSING = "missing"
    INCOMPLETE = "incomplete"
    ARCHIVED = "archived"


_CONDITION_OF: dict[FindState, Condition] = {
    FindState.RECORDING: Condition.RECORDING,
    FindState.AT_RISK: Condition.PENDING,
    FindState.HELD: Condition.HELD,
    FindState.MISSING: Condition.MISSING,
    FindState.INCOMPLETE: Condition.INCOMPLETE,
    FindState.ARCHIVED: Condition.ARCHIVED,
}


class FindQuery(Exact):
    """The query of `GET recordings`, and the body of `POST recordings/find`."""

    participant: ShortText | None = None
    number: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    call: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    tag: Annotated[str, Field(min_length=2, max_length=513), AfterValidator(composed)] | None = None
    since: Time | None = Field(None, alias="from")
    until: Time | None = Field(None, alias="to")
    format: str | None = None
    state: FindState | None = None
    limit: int = Field(50, ge=1, le=LARGEST_PAGE)
    next: Annotated[str, Field(min_length=1, max_length=2048)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_plain(cls, body: Any) -> Any:
        return dict(body) if isinstance(body, Mapping) else body

    @property
    def asked_format(self) -> FormatType | None:
        """Return the format that is asked for."""
        return FormatType.read(self.format)

    def check(self) -> None:
        """Check that the query can be answered.

        Raises:
            RequestError: `invalid_number`, `invalid_tag`, `invalid_range` or `unknown_type`.
        """
        if self.number is not None and e164(self.number) is None and last_digits(self.number) is None:
            message = "number must be an international number, or at least its last seven digits"
            raise RequestError(message, code=Code.INVALID_NUMBER)
        if self.tag is not None and self.tag.find(":") < 1:
            raise RequestError("tag must be name:value", code=Code.INVALID_TAG)
        if self.since and self.until and self.since >= self.until:
            raise RequestError("from must be before to", code=Code.INVALID_RANGE)
        if self.format is not None and self.asked_format is None:
            raise RequestError(f"format must be one of: {', '.join(FormatType)}", code=Code.UNKNOWN_TYPE)


@dataclass(frozen=True)
class Wanted:
    """One filter by a hash or an id, with the partitions it has under each key.

    Attributes:
        partitions: one for each key in use; a row that has the mark of any may match.
        is_monthly: whether a month follows in the partition's name.
    """

    partitions: tuple[str, ...]
    is_monthly: bool = False


@dataclass(frozen=True)
class Plan:
    """How a query is answered: which spans to walk, merged by row key, and which other filters to compare."""

    spans: tuple[Span, ...]
    others: tuple[Wanted, ...]
    participant_keys: frozenset[str] | None = None
    number_keys: frozenset[str] | None = None


def plan_of(query: FindQuery, keys: IndexKeys) -> Plan:
    """Return the plan: the most selective filter is walked, all others are compared."""
    calls = Wanted((call_partition(query.call),)) if query.call is not None else None
    participants, participant_keys = _participant(query, keys)
    numbers, number_keys = _number(query, keys)
    tag = query.tag
    tags = Wanted(tuple(tag_partitions(key.tag(tag)) for key in keys.keys), is_monthly=True) if tag else None
    wanted = [one for one in (calls, participants, numbers, tags) if one is not None]
    if wanted:
        spans = tuple(_span(name, query, is_monthly=wanted[0].is_monthly) for name in wanted[0].partitions)
    elif query.state is not None and query.state is not FindState.ARCHIVED:
        spans = (_span(condition_partition(_CONDITION_OF[query.state]), query, is_monthly=False),)
    else:
        spans = (_span("t!", query, is_monthly=True),)
    return Plan(spans, tuple(wanted[1:]), participant_keys, number_keys)


def is_in_state(state: FindState, conditions: tuple[Condition, ...], *, is_at_risk: bool) -> bool:
    """Return whether a recording in these conditions is in the state that is asked for."""
    return is_at_risk if state is FindState.AT_RISK else _CONDITION_OF[state] in conditions


def _participant(query: FindQuery, keys: IndexKeys) -> tuple[Wanted | None, frozenset[str] | None]:
    if query.participant is None:
        return None, None
    if query.participant.startswith(_HASHED):
        hashes: tuple[str, ...] = (query.participant.removeprefix(_HASHED),)
    else:
        hashes = tuple(key.participant(e164(query.participant) or query.participant) for key in keys.keys)
    return Wanted(tuple(map(participant_partition, hashes))), frozenset(hashes)


def _number(query: FindQuery, keys: IndexKeys) -> tuple[Wanted | None, frozenset[str] | None]:
    if query.number is None:
        return None, None
    if (whole := e164(query.number)) is not None:
        hashes = tuple(key.participant(canonical_participant(whole)) for key in keys.keys)
        return Wanted(tuple(map(participant_partition, hashes))), frozenset(hashes)
    hashes = tuple(key.ending(last_digits(query.number) or "") for key in keys.keys)
    return Wanted(tuple(map(ending_partition, hashes))), frozenset(hashes)


def _span(name: str, query: FindQuery, *, is_monthly: bool) -> Span:
    """Return the part of an index between the times that are asked for; without them, of all times."""
    first_row = inverse_ms(query.until) if query.until else ""
    last_row = f"{inverse_ms(query.since)}~" if query.since else "~"
    if not is_monthly:
        return Span(name, name, first_row, last_row)
    newest = inverse_month(query.until) if query.until else "000000"
    oldest = inverse_month(query.since) if query.since else "999999"
    return Span(f"{name}{newest}", f"{name}{oldest}", first_row, last_row)


# --- continuation ----------------------------------------------------------------------------------------------------


def token_of(position: str, query: FindQuery, keys: IndexKeys) -> str:
    """Return an opaque token to continue after a position; it is bound to the query and reveals nothing of it."""
    content = f">{position}".encode()
    signed = keys.current.signature(_bound(query, content))
    return base64.urlsafe_b64encode(signed + content).decode().rstrip("=")


def position_in(query: FindQuery, keys: IndexKeys) -> str:
    """Return the position that the query's token holds; "" when it has none.

    Raises:
        RequestError: `invalid_next`; the token was changed, or belongs to another query.
    """
    if query.next is None:
        return ""
    try:
        raw = base64.b64decode(query.next + "=" * (-len(query.next) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    signed, content = raw[:16], raw[16:]
    is_ours = any(hmac.compare_digest(key.signature(_bound(query, content)), signed) for key in keys.keys)
    if not content or len(content) > _POSITION_BYTES or not is_ours:
        raise RequestError("next is not a token of this query; ask again without it", code=Code.INVALID_NEXT)
    return content.decode()[1:]


def _bound(query: FindQuery, content: bytes) -> bytes:
    """Return what a token's signature covers: the position and every filter, but not the size of a page."""
    filters = query.model_dump(mode="json", exclude={"limit", "next"}, exclude_none=True)
    return hashlib.sha256(json.dumps(filters, sort_keys=True).encode()).digest() + content
