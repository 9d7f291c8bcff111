"""Erasures: asked for by one person, approved by another, carried out by the custodian, refused where the law says so.

Approval puts a claim on the custody row of every recording that the request covers; from then on disposition decides:
a hold or a legal retention refuses it for now, and the daily run asks again. What names the person outside recordings
(quarantine, dead letters, notes of the audit trail) is swept by the same run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from recording.domain.find.find_query import FindQuery
from recording.domain.ids import without_numbers
from recording.domain.keep import erasure as rules_of
from recording.domain.keep.custody import Claim, Custody, CustodyState
from recording.domain.keep.destroy import Place
from recording.domain.keep.erasure import MOST_RECORDINGS, Erasure, ErasureRequest, ErasureState, hashes_of, mentions
from recording.domain.model import with_changes
from recording.errors import ClaimLostError, RequestError
from recording.errors.codes import Code
from recording.library.directory import find_all
from recording.library.follow_up import library_of
from recording.library.keep.assess import Assessed, assessed, keeping_of
from recording.library.keep.holds import change_custody
from recording.library.keep.leftovers import Leftovers
from recording.ports import Custodian, Ports, Unreadable
from recording.settings import Settings

WITHHELD = "[erased]"
MOST_LISTED = 200


@dataclass(frozen=True)
class ErasureStatus:
    """A request with how it stands at each recording that it covers."""

    erasure: Erasure
    items: tuple[Assessed, ...]

    @property
    def is_erased(self) -> bool:
        """Return whether nothing of it is left to do at recordings."""
        return all(one.state is CustodyState.DISPOSED for one in self.items)


def request_erasure(body: Any, by: str | None, ports: Ports, settings: Settings) -> Erasure:
    """Ask for an erasure; nothing happens before another person approves it.

    Raises:
        RequestError: the body is not legal, `second_person_needed` (nobody knows who asks), or
            `too_many_recordings`.
        StorageError: storage does not answer.
    """
    request = ErasureRequest.read(body)
    if by is None:
        raise RequestError("an erasure needs signed-in people", code=Code.SECOND_PERSON_NEEDED)
    keys = library_of(ports)[1].keys()
    made = Erasure(
        erasure_id=uuid4().hex,
        reason=without_numbers(request.reason),
        requested_by=by,
        requested_at=ports.clock.now(),
        participant=hashes_of(request.participant, keys) if request.participant else (),
        recordings=request.recordings,
    )
    made = with_changes(made, {"recordings": _covered(made, ports, settings)})
    keeping_of(ports).add_erasure(made)
    return made


def approve_erasure(erasure_id: str, by: str | None, ports: Ports, settings: Settings) -> Erasure:
    """Approve a request as a second person: every recording that it covers by now gets its claim.

    Raises:
        RequestError: `erasure_not_found`, `second_person_needed`, `erasure_decided`, or `too_many_recordings`.
        StorageError: storage does not answer; the daily run completes the claims.
    """
    keeping = keeping_of(ports)
    known = _known(erasure_id, ports)
    wanted = rules_of.approved(known, by, ports.clock.now(), _covered(known, ports, settings))
    try:
        saved = keeping.save_erasure(wanted)
    except ClaimLostError:
        raise RequestError("the request has been decided meanwhile", code=Code.ERASURE_DECIDED) from None
    claim(saved, ports)
    ports.catalog.save_cursor("dispose", "unfinished")  # the next hour's run carries it out
    return saved


def claim(erasure: Erasure, ports: Ports) -> None:
    """Put the claim on every recording's row; repeating changes nothing.

    Raises:
        StorageError: storage does not answer.
    """
    if erasure.approved_at is None:
        return
    made = Claim(request_id=erasure.erasure_id, approved_at=erasure.approved_at)

    def add(row: Custody) -> Custody:
        is_there = any(one.request_id == made.request_id for one in row.claims)
        return row if is_there else with_changes(row, {"claims": (*row.claims, made)})

    for recording_id in erasure.recordings:
        change_custody(recording_id, add, ports)


def erasure_status(erasure_id: str, ports: Ports, settings: Settings) -> ErasureStatus:
    """Return a request with what is erased, what is refused, why, and until when.

    Raises:
        RequestError: `erasure_not_found`.
        StorageError: storage does not answer.
    """
    return _status(_known(erasure_id, ports), ports, settings)


def list_erasures(ports: Ports) -> tuple[Erasure, ...]:
    """Return the requests: those that wait for a second person first, then the newest; at most 200.

    Raises:
        StorageError: storage does not answer.
    """
    known = [one for one in keeping_of(ports).erasures() if not isinstance(one, Unreadable)]
    known.sort(key=lambda one: one.requested_at, reverse=True)
    known.sort(key=lambda one: one.state is not ErasureState.REQUESTED)
    return tuple(known[:MOST_LISTED])


def carry_on(custodian: Custodian, ports: Ports, settings: Settings) -> int:
    """Complete claims, sweep traces, and note what is done; return how many requests are still open.

    Raises:
        StorageError: storage does not answer; the next run goes on.
    """
    left = 0
    for erasure in list(keeping_of(ports).erasures()):
        if isinstance(erasure, Unreadable) or erasure.state is not ErasureState.APPROVED:
            continue
        try:
            left += not _is_done(erasure, custodian, ports, settings)
        except ClaimLostError:  # another instance goes on with it at this moment
            left += 1
    return left


def _is_done(erasure: Erasure, custodian: Custodian, ports: Ports, settings: Settings) -> bool:
    claim(erasure, ports)
    if erasure.swept_at is None:
        erasure = _swept(erasure, custodian, ports)
    if not _status(erasure, ports, settings).is_erased:
        return False
    keeping_of(ports).save_erasure(with_changes(erasure, {"done_at": ports.clock.now()}))
    return True


def _swept(erasure: Erasure, custodian: Custodian, ports: Ports) -> Erasure:
    """Erase what names the person, or the recordings, outside their folders."""
    keys, count, leftovers = library_of(ports)[1].keys(), 0, Leftovers(ports)
    for place, texts in (
        (Place.QUARANTINE, leftovers.all_quarantined()),
        (Place.DEAD_LETTERS, leftovers.all_letters()),
    ):
        for name, text in texts:
            if mentions(text, erasure.participant, keys) or any(one in text for one in erasure.recordings):
                for version in [one for one in custodian.versions(place, name) if one.name == name]:
                    custodian.destroy(version)
                    count += 1
    if ports.audit_eraser is not None:
        count += ports.audit_eraser.withhold(lambda text: _without(text, mentions(text, erasure.participant, keys)))
    swept = {"swept_at": ports.clock.now(), "swept": count}
    return keeping_of(ports).save_erasure(with_changes(erasure, swept))


def _without(text: str, words: list[str]) -> str:
    for word in words:
        text = text.replace(word, WITHHELD)
    return text


def _status(erasure: Erasure, ports: Ports, settings: Settings) -> ErasureStatus:
    keeping, rules, now = keeping_of(ports), keeping_of(ports).rules(), ports.clock.now()
    records = ports.catalog.get_recordings(erasure.recordings)
    items = [
        assessed(record, keeping.custody(record.recording_id), rules, now, settings)
        for record in records
        if record is not None and not isinstance(record, Unreadable)
    ]
    return ErasureStatus(erasure, tuple(items))


def _covered(erasure: Erasure, ports: Ports, settings: Settings) -> tuple[str, ...]:
    """Return the recordings that a request is about now.

    Raises:
        RequestError: `too_many_recordings`, or one of them is not known.
    """
    if not erasure.participant:
        found = ports.catalog.get_recordings(erasure.recordings)
        if None in found:
            raise RequestError("the catalog does not know one of these recordings", code=Code.RECORDING_NOT_FOUND)
        return erasure.recordings
    covered = dict.fromkeys(_of_participant(erasure, ports, settings))
    if len(covered) > MOST_RECORDINGS:
        message = f"the participant is in more than {MOST_RECORDINGS} recordings: ask by recordings, in parts"
        raise RequestError(message, code=Code.TOO_MANY_RECORDINGS)
    return tuple(covered)


def _of_participant(erasure: Erasure, ports: Ports, settings: Settings) -> Iterator[str]:
    """Yield the recordings whose metadata, or whose start request, names the participant."""
    for one in erasure.participant:
        query = FindQuery.read({"participant": f"h:{one}", "limit": 200})
        yield from (found.recording.recording_id for found in find_all(query, ports, settings))
    keys, position = library_of(ports)[1].keys(), ""
    while True:
        page = ports.catalog.recordings_page(position)
        if page.error:
            raise page.error
        for record in page.items:
            if not isinstance(record, Unreadable) and mentions(str(record.request), erasure.participant, keys):
                yield record.recording_id
        position = page.next
        if not position:
            return


def _known(erasure_id: str, ports: Ports) -> Erasure:
    found = keeping_of(ports).erasure(erasure_id)
    if found is None:
        raise RequestError("there is no such request for erasure", code=Code.ERASURE_NOT_FOUND)
    return found
