"""Custody: the holds of a recording and the progress of its destruction, in one row with one ETag. Pure.

Holds and destruction are in one row, so the second writer sees what the first one did: a recording that is
being destroyed takes no hold, and one that is held is not destroyed.
"""

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from recording.domain.ids import composed, name_of, without_numbers
from recording.domain.incoming.requests import Exact, ShortText
from recording.domain.keep.holds import ErasureClaim, Hold, Stored
from recording.domain.model import with_changes
from recording.domain.state.chunk import ChunkRecord
from recording.domain.times import UtcTime
from recording.errors import RequestError
from recording.errors.codes import Code

MOST_HOLDS = 200
MOST_CLAIMS = 500  # of requests for erasure, of each kind: with 200 holds in the longest words they fit into a row
LONGEST_CASE = 128
MOST_NAMED = 500  # chunks that a decision names as every version reads them; of more it holds a short mark of each,
# so that 7,000 fit beside the most holds and claims, and 50,000 into a row without them
MARKS_VERSION = 3  # of a row with marks: a worker of an older version would take its chunks for later ones
_MARK = 8  # letters of base64: two of a recording's chunks share one by chance in 48 bits


class CustodyState(StrEnum):
    """How far the destruction of a recording has progressed."""

    KEPT = "KEPT"
    MARKED = "MARKED"  # it is due, and is destroyed when the days of grace are over
    DESTROYING = "DESTROYING"  # the decision is made, and no hold is taken any more
    ERASING_SPEAKER = "ERASING_SPEAKER"  # one voice is being taken out; until that is done, no hold is taken
    DISPOSED = "DISPOSED"


class Mark(Stored):
    """Why and since when a recording is due; it is destroyed only when it still is after the days of grace."""

    at: UtcTime
    why: str
    rules: int = 0  # the number of the rules that asked for it
    requests: tuple[str, ...] = ()  # the erasures that asked for it


class Refusal(Stored):
    """Why storage does not let a recording be destroyed yet: a state that is checked again, not an error."""

    reason: str  # immutable | legal_hold | lease | refused | archive_tier | unreadable_record
    until: UtcTime | None = None
    at: UtcTime
    blobs: int = 0


class Claim(Stored):
    """An approved request for erasure that covers the recording."""

    request_id: str
    approved_at: UtcTime


class SpeakerClaim(Stored):
    """An approved request for the erasure of one speaker; why it is not carried out, or when it was."""

    request_id: str
    approved_at: UtcTime
    else_recording: bool = False  # where the voice cannot be taken out alone, all of the recording goes
    refused: str | None = None
    until: UtcTime | None = None
    done_at: UtcTime | None = None

    def to_all(self) -> Claim:
        """Return the same request's claim to the whole recording."""
        return Claim(request_id=self.request_id, approved_at=self.approved_at)


class Custody(Stored):
    """The row of a recording; there is none before the first hold or mark."""

    version: int = 1
    recording_id: str
    holds: tuple[Hold, ...] = ()
    claims: tuple[Claim, ...] = ()
    speakers: tuple[SpeakerClaim, ...] = ()
    speaker_of: str | None = None  # the request that is being carried out
    speaker_since: UtcTime | None = None
    state: CustodyState = CustodyState.KEPT
    mark: Mark | None = None
    destroying_since: UtcTime | None = None
    decided: tuple[str, ...] = ()  # the chunks that the decision covers; later ones are not destroyed by it
    decided_marks: str = ""  # in place of `decided`, where these are many: one mark after the other
    decided_versions: int = 0  # how many versions there were to destroy at the beginning; for the certificate
    refused: Refusal | None = None
    disposed_at: UtcTime | None = None
    gone_at: UtcTime | None = None  # when storage removes the last byte for good
    certificate: str | None = None  # the name of the newest one
    certificates: tuple[str, ...] = ()
    blobs_held_at: UtcTime | None = None  # when the blobs' own legal holds were last set to match
    deriving_until: UtcTime | None = None  # until then a file derived from it may still be written
    etag: str | None = Field(None, exclude=True)

    @property
    def active_holds(self) -> tuple[Hold, ...]:
        """Return the cases that hold it now."""
        return tuple(hold for hold in self.holds if hold.is_active)

    @property
    def erasure_claims(self) -> tuple[ErasureClaim, ...]:
        """Return the requests as disposition takes them."""
        return tuple(ErasureClaim(claim.request_id, claim.approved_at) for claim in self.claims)


class _Reasoned(Exact):
    reason: ShortText

    def noted(self, case: str) -> str:
        """Return the text for the audit trail."""
        return without_numbers(f"{case}: {self.reason}")


class HoldRequest(_Reasoned):
    """The body of `PUT recordings/{recordingId}/holds/{case}`."""


class ReleaseRequest(_Reasoned):
    """The body of `DELETE recordings/{recordingId}/holds/{case}`."""


def checked_case(case: str) -> str:
    """Return the name of a case.

    Raises:
        RequestError: `invalid_case`; the name is empty, too long, not printable, or has a slash.
    """
    name = composed(case.strip())
    if not (1 <= len(name) <= LONGEST_CASE and name.isprintable()) or set(name) & set("/\\#?"):
        message = (
            f"the name of a case must have 1 to {LONGEST_CASE} printable characters, and none of / \\ # ?, "
            "which have a meaning in addresses; write a hyphen instead"
        )
        raise RequestError(message, code=Code.INVALID_CASE)
    if without_numbers(name) != name:
        raise RequestError("the name of a case must not be a phone number or a participant id", code=Code.INVALID_CASE)
    return name


def held(custody: Custody, case: str, reason: str, by: str | None, now: datetime) -> Custody:
    """Return the row with this case holding the recording; a case that holds already changes nothing.

    Raises:
        RequestError: `being_destroyed`, `recording_disposed`, or `too_many_holds`.
    """
    check_can_be_held(custody)
    if any(_is_of(hold, case) for hold in custody.active_holds):
        return custody
    if len(custody.holds) >= MOST_HOLDS:
        raise RequestError(f"a recording keeps at most {MOST_HOLDS} holds", code=Code.TOO_MANY_HOLDS)
    hold = Hold(case=case, reason=without_numbers(reason), by=by, since=now)
    return with_changes(custody, {"holds": (*custody.holds, hold), **_UNMARKED})


def claimed(custody: Custody, claim: Claim) -> Custody:
    """Return the row with a request's claim to the whole recording; repeating it changes nothing.

    Where many requests have claimed it, one more would decide nothing: those that are there ask for the same.
    """
    if any(one.request_id == claim.request_id for one in custody.claims) or len(custody.claims) >= MOST_CLAIMS:
        return custody
    return with_changes(custody, {"claims": (*custody.claims, claim)})


def speaker_claimed(custody: Custody, claim: SpeakerClaim) -> Custody:
    """Return the row with a request's claim to one voice; repeating it changes nothing.

    Raises:
        RequestError: `too_many_erasures`; each voice is a claim of its own.
    """
    if any(one.request_id == claim.request_id for one in custody.speakers):
        return custody
    check_takes_speaker(custody)
    return with_changes(custody, {"speakers": (*custody.speakers, claim)})


def check_takes_speaker(custody: Custody) -> None:
    """Check that the row has room for another claim to a voice.

    Raises:
        RequestError: `too_many_erasures`.
    """
    if len(custody.speakers) >= MOST_CLAIMS:
        message = f"a recording takes at most {MOST_CLAIMS} requests about one of its voices"
        raise RequestError(message, code=Code.TOO_MANY_ERASURES)


def released(custody: Custody, case: str, reason: str, by: str | None, now: datetime) -> Custody:
    """Return the row with this case released.

    Raises:
        RequestError: `hold_not_found`; the case does not hold this recording.
    """
    if not any(_is_of(hold, case) for hold in custody.active_holds):
        raise RequestError("this case does not hold the recording", code=Code.HOLD_NOT_FOUND)
    end = {"released_at": now, "released_by": by, "release_reason": without_numbers(reason)}
    is_ended = [hold.is_active and _is_of(hold, case) for hold in custody.holds]
    holds = tuple(with_changes(hold, end) if ends else hold for hold, ends in zip(custody.holds, is_ended, strict=True))
    return with_changes(custody, {"holds": holds})


def check_can_be_held(custody: Custody) -> None:
    """Check that a hold can still keep the recording.

    Raises:
        RequestError: `being_destroyed` or `recording_disposed`.
    """
    if custody.state in (CustodyState.DESTROYING, CustodyState.ERASING_SPEAKER):
        raise RequestError("the recording is being destroyed", code=Code.BEING_DESTROYED)
    if custody.state is CustodyState.DISPOSED:
        raise RequestError("the recording has been destroyed", code=Code.RECORDING_DISPOSED)


def deriving(custody: Custody, until: datetime) -> Custody:
    """Return the row of a recording from which a file is being derived; it is not destroyed before that time.

    Raises:
        RequestError: `being_destroyed` or `recording_disposed`.
    """
    check_can_be_held(custody)
    if custody.deriving_until is not None and custody.deriving_until >= until:
        return custody
    return with_changes(custody, {"deriving_until": until})


def marked(custody: Custody, mark: Mark) -> Custody:
    """Return the row of a recording that is due from now on."""
    return with_changes(custody, {"state": CustodyState.MARKED, "mark": mark, "refused": None})


def unmarked(custody: Custody) -> Custody:
    """Return the row without a mark, whatever its state was."""
    return with_changes(custody, _UNMARKED)


def destroying(custody: Custody, now: datetime, chunks: tuple[str, ...] = (), versions: int = 0) -> Custody:
    """Return the row of a recording whose destruction begins now; from here on it takes no hold."""
    begun: dict[str, object] = {"state": CustodyState.DESTROYING, "destroying_since": now, "refused": None}
    begun["decided_versions"] = versions
    if len(chunks) <= MOST_NAMED:
        return with_changes(custody, {**begun, "decided": chunks})
    marks = "".join(map(_mark_of, chunks))
    return with_changes(custody, {**begun, "decided_marks": marks, "version": MARKS_VERSION})


def later_than(custody: Custody, chunks: Iterable[ChunkRecord]) -> list[ChunkRecord]:
    """Return the chunks that arrived after the decision to destroy, which does not cover them."""
    marks = custody.decided_marks
    known = {*custody.decided, *(marks[at : at + _MARK] for at in range(0, len(marks), _MARK))}
    return [chunk for chunk in chunks if known.isdisjoint((str(chunk.key), _mark_of(str(chunk.key))))]


def refused(custody: Custody, refusal: Refusal) -> Custody:
    """Return the row with storage's refusal; the state stays."""
    return with_changes(custody, {"refused": refusal})


def disposed(custody: Custody, now: datetime, gone_at: datetime | None, certificate: str) -> Custody:
    """Return the row of a recording of which nothing but this row and its certificates is left."""
    changes: dict[str, object] = {
        "state": CustodyState.DISPOSED,
        "disposed_at": now,
        "gone_at": max((at for at in (gone_at, custody.gone_at) if at is not None), default=None),
        "certificate": certificate,
        "certificates": tuple(dict.fromkeys((*custody.certificates, certificate))),
        "refused": None,
        "mark": None,
        "destroying_since": None,
        **_UNDECIDED,
        "holds": tuple(_without_reason(hold) for hold in custody.holds),
    }
    return with_changes(custody, changes)


def _is_of(hold: Hold, case: str) -> bool:
    """Return whether a hold is of this case; rows of before may have another spelling of its accents."""
    return composed(hold.case) == case


def case_key(case: str, recording_id: str) -> str:
    """Return the key of a hold in the list of all holds."""
    return f"{name_of(case)}!{name_of(recording_id)}"


def _without_reason(hold: Hold) -> Hold:
    """Return the hold without its free texts, which may name a person."""
    return with_changes(hold, {"reason": "", "release_reason": "" if hold.release_reason else None})


def _mark_of(chunk: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(chunk.encode()).digest())[:_MARK].decode()


_UNDECIDED: dict[str, object] = {"decided": (), "decided_marks": "", "decided_versions": 0, "version": 1}
_UNMARKED: dict[str, object] = {
    "state": CustodyState.KEPT,
    "mark": None,
    "destroying_since": None,
    "refused": None,
    **_UNDECIDED,
}
