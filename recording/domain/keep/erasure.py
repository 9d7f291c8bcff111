"""Erasure: who asked for it, who approved it, and whom or what it is about; nothing of it names a person. Pure.

A participant is kept as keyed hashes only. Where text outside the recordings may name them, every id and number in it
is hashed and compared.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from recording.domain.find.index_keys import IndexKeys
from recording.domain.ids import is_opaque_id
from recording.domain.incoming.requests import Exact, ShortText
from recording.domain.keep.holds import Stored
from recording.domain.model import with_changes
from recording.domain.times import UtcTime
from recording.errors import RequestError
from recording.errors.codes import Code

MOST_RECORDINGS = 1000
_PHONE = re.compile(r"(?:(?:\\u002[bB]|%2[bB]|\+)\s?)?[1-9][0-9]{6,14}(?![0-9])", re.ASCII)
_RAW_ID = re.compile(r"(?:4|8|28|48):[A-Za-z0-9_.:+-]{6,256}", re.ASCII)
RecordingId = Annotated[str, Field(min_length=1, max_length=512)]


class ErasureState(StrEnum):
    """How far a request has come."""

    REQUESTED = "requested"  # it waits for a second person
    APPROVED = "approved"
    DONE = "done"  # everything it covers is erased, and no trace is left elsewhere


class ErasureRequest(Exact):
    """The body of `POST erasures`: a participant, or recordings by their ids."""

    participant: ShortText | None = None
    recordings: tuple[RecordingId, ...] = Field((), max_length=MOST_RECORDINGS)
    reason: ShortText

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        if (self.participant is None) == (not self.recordings):
            raise ValueError("give either a participant or recordings")
        if not all(is_opaque_id(one) for one in self.recordings):
            raise ValueError("a recording id holds characters that no id has")
        return self


class Erasure(Stored):
    """A request as it is kept."""

    version: int = 1
    erasure_id: str
    reason: str
    requested_by: str
    requested_at: UtcTime
    approved_by: str | None = None
    approved_at: UtcTime | None = None
    done_at: UtcTime | None = None
    participant: tuple[str, ...] = ()  # the hashes of the participant, one for each key in use
    recordings: tuple[str, ...] = ()  # that it covers
    swept_at: UtcTime | None = None  # when quarantine, dead letters and audit trail were looked through
    swept: int = 0  # traces that were erased there
    etag: str | None = Field(None, exclude=True)

    @property
    def state(self) -> ErasureState:
        """Return how far it has come."""
        if self.done_at is not None:
            return ErasureState.DONE
        return ErasureState.REQUESTED if self.approved_at is None else ErasureState.APPROVED


def approved(erasure: Erasure, by: str | None, now: UtcTime, recordings: tuple[str, ...]) -> Erasure:
    """Return the request as approved by a second person, with everything that it covers by then.

    Raises:
        RequestError: `second_person_needed`, or `erasure_decided`.
    """
    if by is None or by == erasure.requested_by:
        message = "another person than the one who asked must approve"
        raise RequestError(message, code=Code.SECOND_PERSON_NEEDED)
    if erasure.approved_at is not None:
        raise RequestError("the request has been approved", code=Code.ERASURE_DECIDED)
    return with_changes(erasure, {"approved_by": by, "approved_at": now, "recordings": recordings})


def hashes_of(participant: str, keys: IndexKeys) -> tuple[str, ...]:
    """Return the hashes of a participant under every key in use; `h:` and a hash is taken as it is."""
    if participant.startswith("h:"):
        return (participant.removeprefix("h:"),)
    return tuple(key.participant(participant) for key in keys.keys)


def mentions(text: str, hashes: Iterable[str], keys: IndexKeys) -> list[str]:
    """Return each id or number in a text whose hash is one of these, as it is written there."""
    wanted = set(hashes)
    found = []
    for match in (*_RAW_ID.finditer(text), *_PHONE.finditer(text)):
        written = match.group()
        plain = re.sub(r"^(?:\\u002[bB]|%2[bB])", "+", written)
        spellings = {plain, f"+{plain.lstrip('+ ')}"}
        if any(key.participant(spelling) in wanted for key in keys.keys for spelling in spellings):
            found.append(written)
    return sorted(set(found), key=len, reverse=True)
