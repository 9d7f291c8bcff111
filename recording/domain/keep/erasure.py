"""Erasure: who asked for it, who approved it, and whom or what it is about; nothing of it names a person. Pure.

A participant is kept as keyed hashes only, and so are the names that a request adds.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from typing import Annotated, Self

from pydantic import Field, model_validator

from recording.domain.find.index_keys import IndexKeys
from recording.domain.ids import is_opaque_id
from recording.domain.incoming.requests import Exact, RecordingId, ShortText
from recording.domain.keep.holds import Stored
from recording.domain.keep.traces import MOST_WORDS, Subject, count_of_words, hashes_of_name
from recording.domain.model import with_changes
from recording.domain.times import UtcTime
from recording.errors import RequestError
from recording.errors.codes import Code

MOST_RECORDINGS = 1000
MOST_ID_CHARACTERS = 400_000  # of all recordings of a request: a row holds a megabyte, in two bytes a character
MOST_OTHERS = 20
WAITS = timedelta(days=30)  # for the second person; after that the request has to be made again
WATCHED = timedelta(days=30)  # after it is done: what arrives late, from queues and dead letters, is erased as well


class ErasureState(StrEnum):
    """How far a request has progressed."""

    REQUESTED = "requested"  # it waits for a second person
    LAPSED = "lapsed"  # it was not approved in time
    APPROVED = "approved"
    DONE = "done"  # everything it covers is erased, and no trace is left elsewhere


class Scope(StrEnum):
    """How much of a recording is erased."""

    RECORDING = "recording"
    SPEAKER = "speaker"  # the participant's own channel; where that cannot be done alone, the item is refused
    SPEAKER_ELSE_RECORDING = "speaker_else_recording"  # where it cannot be done alone, the whole recording goes


@dataclass(frozen=True)
class Covering:
    """A request that covers a recording: what is needed to hide it, and nothing about the person."""

    erasure_id: str
    scope: Scope
    is_in_force: bool = True  # False for an entry whose approval was never saved
    done_at: datetime | None = None

    def is_watched(self, now: datetime) -> bool:
        """Return whether it still hides the recording: until it is done, and for WATCHED after that."""
        return self.is_in_force and (self.done_at is None or now < self.done_at + WATCHED)


def covering_of(erasure_id: str, erasure: "Erasure | None", recording_id: str) -> Covering:
    """Return what the row of a listed request says about a recording: not in force when it does not confirm it."""
    confirms = erasure is not None and erasure.approved_at is not None and recording_id in erasure.recordings
    scope = erasure.scope if erasure is not None else Scope.RECORDING
    return Covering(erasure_id, scope, confirms, erasure.done_at if erasure is not None else None)


class ErasureRequest(Exact):
    """The body of `POST erasures`: a participant with its other ids and names, or recordings by their ids."""

    participant: ShortText | None = None
    also_known_as: Annotated[tuple[ShortText, ...], Field(alias="alsoKnownAs", max_length=MOST_OTHERS)] = ()
    recordings: tuple[RecordingId, ...] = Field((), max_length=MOST_RECORDINGS)
    scope: Scope = Scope.RECORDING
    reason: ShortText

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        if (self.participant is None) == (not self.recordings):
            raise ValueError("give either a participant or recordings")
        if self.scope is not Scope.RECORDING and self.participant is None:
            raise ValueError("the scope of a speaker needs a participant")
        if self.also_known_as and self.participant is None:
            raise ValueError("alsoKnownAs needs a participant")
        if not all(is_opaque_id(one) for one in self.recordings):
            raise ValueError("a recording id has characters that ids of ACS do not have")
        if any(not 1 <= count_of_words(one) <= MOST_WORDS for one in self.also_known_as if _is_name(one)):
            raise ValueError(f"a name has 1 to {MOST_WORDS} words")
        return self


class KeptTraces(Stored):
    """Traces that are left, and why: storage protects them, or a hold keeps their recording."""

    place: str
    reason: str
    until: UtcTime | None = None
    count: int = 0


class Unswept(Stored):
    """How far a look through the stores has come that one run had no time to end.

    Attributes:
        store: the store that is being looked at, by its name in the table of sweeps.
        position: within it; what is behind that is still to be looked at.
        was_erased: whether nothing was left to do at recordings when the look began.
        covers: how many recordings the request covered by then.
    """

    store: str
    position: str = ""
    is_full: bool = True
    was_erased: bool = False
    covers: int = 0
    count: int = 0
    kept: tuple[KeptTraces, ...] = ()

    def is_about(self, erasure: "Erasure") -> bool:
        """Return whether the look began with all that the request covers, and after the last of it was erased."""
        return self.was_erased and self.covers == len(erasure.recordings)


class Erasure(Stored):
    """A stored request. One about a speaker has version 2: an older worker would destroy whole recordings."""

    version: int = 1
    erasure_id: str
    reason: str
    requested_by: str
    requested_at: UtcTime
    approved_by: str | None = None
    approved_at: UtcTime | None = None
    done_at: UtcTime | None = None
    participant: tuple[str, ...] = ()  # the hashes of the participant's ids, for each key in use since
    words: tuple[str, ...] = ()  # the hashes of names
    scope: Scope = Scope.RECORDING
    recordings: tuple[str, ...] = ()  # that it covers
    tenants: tuple[str, ...] | None = None  # within which it was asked for; None: within the whole archive
    swept_at: UtcTime | None = None  # when the other stores were last swept
    swept: int = 0  # traces that were erased there
    kept: tuple[KeptTraces, ...] = ()  # traces that are left there
    unswept: Unswept | None = None  # a look that the next run continues
    etag: str | None = Field(None, exclude=True)

    @property
    def state(self) -> ErasureState:
        """Return how far it has progressed; whether it has lapsed depends on the time."""
        if self.done_at is not None:
            return ErasureState.DONE
        return ErasureState.REQUESTED if self.approved_at is None else ErasureState.APPROVED

    def state_at(self, now: datetime) -> ErasureState:
        """Return how far it has progressed at this time."""
        has_waited = self.state is ErasureState.REQUESTED and now > self.requested_at + WAITS
        return ErasureState.LAPSED if has_waited else self.state

    def is_watched(self, now: datetime) -> bool:
        """Return whether stores are swept for it: until it is done, and for WATCHED after that."""
        return self.approved_at is not None and (self.done_at is None or now < self.done_at + WATCHED)

    @property
    def pseudonym(self) -> str:
        """Return the text that replaces the person's id in rows that stay."""
        return f"erased-{self.erasure_id[:8]}"

    def subject(self, keys: IndexKeys) -> Subject:
        """Return the person it is about."""
        return Subject(frozenset(self.participant), frozenset(self.words), keys)


def approved(erasure: Erasure, by: str | None, now: UtcTime, recordings: tuple[str, ...]) -> Erasure:
    """Return the request as approved by a second person, with everything that it covers by then.

    Raises:
        RequestError: `second_person_needed`, `erasure_decided`, or `erasure_expired`.
    """
    if by is None or are_same_person(by, erasure.requested_by):
        message = "a person other than the one who requested it must approve"
        raise RequestError(message, code=Code.SECOND_PERSON_NEEDED)
    if erasure.approved_at is not None:
        raise RequestError("the request is already approved", code=Code.ERASURE_DECIDED)
    if erasure.state_at(now) is ErasureState.LAPSED:
        raise RequestError("the request has waited too long for a second person", code=Code.ERASURE_EXPIRED)
    return with_changes(erasure, {"approved_by": by, "approved_at": now, "recordings": recordings})


def as_far_as_it_fits(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the recordings of a request with as many more as its row has room for, and the others.

    There is room beside them for all else that the row will ever say.
    """
    used = list(accumulate((len(one) + 3 for one in (*known, *more)), initial=0))[len(known) + 1 :]
    count = sum(characters <= MOST_ID_CHARACTERS for characters in used)
    return (*known, *more[:count]), more[count:]


def are_same_person(one: str, other: str) -> bool:
    """Return whether two object ids are equal in any spelling: case, braces, hyphens, `urn:uuid:`."""
    return _bare(one) == _bare(other)


def _bare(who: str) -> str:
    plain = unicodedata.normalize("NFKC", who).casefold().strip()
    return re.sub(r"[\W_]+", "", re.sub(r"^(?:urn:)?uuid:", "", plain))


def hashes_of(participant: str, keys: IndexKeys) -> tuple[str, ...]:
    """Return the hashes of a participant under every key in use; `h:` and a hash are used as given."""
    if participant.startswith("h:"):
        return (participant.removeprefix("h:"),)
    return tuple(key.participant(participant) for key in keys.keys)


def _is_name(text: str) -> bool:
    return ":" not in text and any(letter.isalpha() for letter in text)


def hashes_of_request(request: ErasureRequest, keys: IndexKeys) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the hashes of every id of a request, and those of every name; anything but a number counts as both."""
    named = [*([request.participant] if request.participant else []), *request.also_known_as]
    ids = dict.fromkeys(one for name in named for one in hashes_of(name, keys))
    names = [name for name in request.also_known_as if _is_name(name)]
    return tuple(ids), tuple(dict.fromkeys(one for name in names for one in hashes_of_name(name, keys)))
