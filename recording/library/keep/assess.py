"""Assess recordings: what is decided about each now, from its row, its custody row and the rules in force."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from recording.domain.foreign_json import read_json
from recording.domain.ids import name_of
from recording.domain.keep.custody import Custody, CustodyState, unmarked
from recording.domain.keep.disposition import Action, Because, Disposition, Reason, disposition
from recording.domain.keep.rules import RuleSet, default_rules
from recording.domain.keep.subject import kept_recording
from recording.domain.state.recording import RecordingRecord
from recording.errors import BlobLockedError, StorageBusyError, StorageError
from recording.errors.codes import OF_ONE_ROW
from recording.ports import Catalog, Ports, Unreadable
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.library.keeping import Keeping
from recording.ports.stored import all_chunks_of
from recording.settings import Settings


@dataclass(frozen=True)
class Assessed:
    """A recording with its custody row, None where there is none, and with what is decided about it now.

    Attributes:
        certificate: the name of the one about the voice that a request for erasure is about.
    """

    record: RecordingRecord
    custody: Custody | None
    disposition: Disposition
    certificate: str | None = None

    @property
    def state(self) -> CustodyState:
        """Return the state of its destruction."""
        return self.custody.state if self.custody else CustodyState.KEPT


def keeping_of(ports: Ports) -> Keeping:
    """Return the store of holds, rules and erasure requests.

    Raises:
        StorageBusyError: this process has none; without it nothing may be decided.
    """
    if ports.keeping is None:
        raise StorageBusyError("this process has no store of holds and rules; nothing is decided without it")
    return ports.keeping


def every_recording(
    catalog: Catalog,
    unread: Callable[[Unreadable], object] = lambda _row: None,
    after: str = "",
    reached: Callable[[str], object] = lambda _position: None,
) -> Iterator[RecordingRecord]:
    """Yield all recordings whose row can be read, page after page.

    Args:
        catalog: which.
        unread: is given each row that cannot be read.
        after: the position from which on they are read.
        reached: is given the position behind each page, once its recordings were taken.

    Raises:
        StorageError: the catalog does not answer; the pages before were yielded.
    """
    position = after
    while True:
        page = catalog.recordings_page(position)
        for record in page.items:
            if isinstance(record, Unreadable):
                unread(record)
            else:
                yield record
        if page.error:
            raise page.error
        position = page.next
        if not position:
            return
        reached(position)


def rules_in_force(ports: Ports, settings: Settings) -> RuleSet:
    """Return the newest rules; the deployment's own until the first ones are set.

    Raises:
        StorageError: the rules cannot be read.
    """
    found = keeping_of(ports).rules()
    return found if found.number else default_rules(settings.delete_after)


def assessed(
    record: RecordingRecord, custody: Custody | Unreadable | None, rules: RuleSet, now: datetime, settings: Settings
) -> Assessed:
    """Return what is decided about one recording; a row that cannot be read keeps it."""
    if isinstance(custody, Unreadable):
        return Assessed(record, None, _kept_for(Because.UNREADABLE, rules))
    try:
        recording = kept_recording(record)
    except ODD_CONTENT:  # a row that no version of this app wrote must not end the walk over all others
        return Assessed(record, custody, _kept_for(Because.UNREADABLE, rules))
    if recording is None:
        return Assessed(record, custody, _kept_for(Because.FACTS_UNKNOWN, rules))
    holds = custody.holds if custody else ()
    claims = custody.erasure_claims if custody else ()
    found = disposition(recording, rules, holds, claims, now, grace=settings.hold_grace)
    return Assessed(record, custody, found)


def custody_of(recording_id: str, ports: Ports) -> Custody | Unreadable | None:
    """Return a recording's custody row; `Unreadable` for one that is damaged or of a newer version.

    Raises:
        StorageError: storage does not answer.
    """
    try:
        return keeping_of(ports).custody(recording_id)
    except StorageError as error:
        if error.code not in OF_ONE_ROW:
            raise
        return Unreadable(name_of(recording_id), error.code)


def assess_page(
    records: Sequence[RecordingRecord | Unreadable], rules: RuleSet, now: datetime, ports: Ports, settings: Settings
) -> Iterator[Assessed]:
    """Yield what is decided about each readable recording of a page; custody rows are read as one range.

    Raises:
        StorageError: the custody rows cannot be read; then nothing is yielded.
    """
    readable = [record for record in records if isinstance(record, RecordingRecord)]
    if not readable:
        return
    rows = _custodies(readable, ports)
    for record in readable:
        yield assessed(record, rows.get(name_of(record.recording_id)), rules, now, settings)


def _custodies(records: Sequence[RecordingRecord], ports: Ports) -> dict[str, Custody | Unreadable]:
    """Return the custody rows of a page by name, read as one range; one by one where the page is of some tenants."""
    names, keeping = sorted(name_of(record.recording_id) for record in records), keeping_of(ports)
    if ports.scope is not None:
        found = ((name_of(record.recording_id), custody_of(record.recording_id, ports)) for record in records)
        return {name: row for name, row in found if row is not None}
    listed = keeping.custodies(names[0], names[-1])
    return {row.where if isinstance(row, Unreadable) else name_of(row.recording_id): row for row in listed}


def has_come_back(recording_id: str, ports: Ports) -> bool:
    """Return whether the recording has a chunk that arrived after its destruction; one that cannot be read may have.

    Raises:
        StorageError: the catalog does not answer.
    """
    chunks, unread = all_chunks_of(recording_id, ports.catalog)
    return bool(unread) or any(chunk.disposed_at is None for chunk in chunks)


def certificate_for(row: Custody, request_id: str | None, ports: Ports) -> str | None:
    """Return the name of the certificate that a request led to, as the certificates themselves say.

    Args:
        row: of the recording.
        request_id: of the request for erasure; None: the newest certificate is meant.
        ports: the archive is read, where there are several certificates or requests.

    Raises:
        BlobLockedError: one is in the archive tier.
        StorageError: the archive does not answer.
    """
    names = row.certificates or ((row.certificate,) if row.certificate else ())
    is_clear = len(names) == 1 and len(row.speakers) + len(row.claims) <= 1
    if request_id is None or not names or is_clear:
        return names[-1] if names else None
    for name in reversed(names):
        stored = ports.archive.get(name)
        with suppress(ValueError, AttributeError, TypeError):
            if stored is not None and request_id in read_json(stored[0]).get("erasures", ()):
                return name
    return None


def as_it_is(one: Assessed, ports: Ports, request_id: str) -> Assessed:
    """Return a recording with the certificate of a request about a voice in it; and as kept, if a file has come back.

    One that counts as destroyed, and of which a file has arrived since, has a row that says so from the next night on.

    Raises:
        StorageError: catalog or archive do not answer.
    """
    row = one.custody
    if row is None:
        return one
    if any(claim.request_id == request_id and claim.done_at is not None for claim in row.speakers):
        with suppress(BlobLockedError):
            one = replace(one, certificate=certificate_for(row, request_id, ports))
    is_at_rest = one.record.facts is None and one.record.settled_at is not None
    if one.state is not CustodyState.DISPOSED or is_at_rest:
        return one
    is_back = has_come_back(one.record.recording_id, ports)
    return replace(one, custody=unmarked(row)) if is_back else one


def _kept_for(because: Because, rules: RuleSet) -> Disposition:
    reason = Reason(because)
    return Disposition(Action.KEEP, None, reasons=(reason,), blocked_by=(reason,), rules=rules.number)
