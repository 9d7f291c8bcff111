"""Assess: what holds for recordings now, from their own rows, their custody and the newest rules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from recording.domain.ids import name_of
from recording.domain.keep.custody import Custody, CustodyState
from recording.domain.keep.disposition import Action, Because, Disposition, Reason, disposition
from recording.domain.keep.rules import RuleSet, default_rules
from recording.domain.keep.subject import kept_recording
from recording.domain.state.recording import RecordingRecord
from recording.errors import StorageBusyError, StorageError
from recording.errors.codes import OF_ONE_ROW
from recording.ports import Catalog, Ports, Unreadable
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.library.keeping import Keeping
from recording.settings import Settings


@dataclass(frozen=True)
class Assessed:
    """A recording with what is decided about it, and what follows from that now."""

    record: RecordingRecord
    custody: Custody | None
    disposition: Disposition

    @property
    def state(self) -> CustodyState:
        """Return how far its destruction has come."""
        return self.custody.state if self.custody else CustodyState.KEPT


def keeping_of(ports: Ports) -> Keeping:
    """Return where holds and rules are kept.

    Raises:
        StorageBusyError: there is no such place in this world.
    """
    if ports.keeping is None:
        raise StorageBusyError("holds and rules are not kept here")
    return ports.keeping


def every_recording(catalog: Catalog) -> Iterator[RecordingRecord]:
    """Yield all recordings whose row can be read, page after page.

    Raises:
        StorageError: the catalog does not answer; what came before was yielded.
    """
    position = ""
    while True:
        page = catalog.recordings_page(position)
        yield from (record for record in page.items if isinstance(record, RecordingRecord))
        if page.error:
            raise page.error
        position = page.next
        if not position:
            return


def rules_in_force(ports: Ports, settings: Settings) -> RuleSet:
    """Return the newest rules; before anybody has set any, those of the deployment.

    Raises:
        StorageError: rules do not answer.
    """
    found = keeping_of(ports).rules()
    return found if found.number else default_rules(settings.delete_after)


def assessed(
    record: RecordingRecord, custody: Custody | Unreadable | None, rules: RuleSet, now: datetime, settings: Settings
) -> Assessed:
    """Return what holds for one recording; what cannot be read keeps it."""
    if isinstance(custody, Unreadable):
        return Assessed(record, None, _kept_for(Because.UNREADABLE, rules))
    try:
        recording = kept_recording(record)
    except ODD_CONTENT:  # a row that no version of this app has written must not end the walk over all others
        return Assessed(record, custody, _kept_for(Because.UNREADABLE, rules))
    if recording is None:
        return Assessed(record, custody, _kept_for(Because.FACTS_UNKNOWN, rules))
    holds = custody.holds if custody else ()
    claims = custody.erasure_claims if custody else ()
    found = disposition(recording, rules, holds, claims, now, grace=settings.hold_grace)
    return Assessed(record, custody, found)


def custody_of(recording_id: str, ports: Ports) -> Custody | Unreadable | None:
    """Return a recording's row; one that is damaged, or of a newer version, is reported as such, not as an outage.

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
    """Yield what holds for each recording of a page that can be read; custody rows are read as one range.

    Raises:
        StorageError: the rows of holds do not come; then nothing is said about any recording.
    """
    readable = [record for record in records if isinstance(record, RecordingRecord)]
    if not readable:
        return
    rows = _custodies(readable, ports)
    for record in readable:
        yield assessed(record, rows.get(name_of(record.recording_id)), rules, now, settings)


def _custodies(records: Sequence[RecordingRecord], ports: Ports) -> dict[str, Custody | Unreadable]:
    """Return the custody rows of a page by name: one range, or one by one where a page is of some tenants only."""
    names, keeping = sorted(name_of(record.recording_id) for record in records), keeping_of(ports)
    if ports.scope is not None:
        found = ((name_of(record.recording_id), custody_of(record.recording_id, ports)) for record in records)
        return {name: row for name, row in found if row is not None}
    listed = keeping.custodies(names[0], names[-1])
    return {row.where if isinstance(row, Unreadable) else name_of(row.recording_id): row for row in listed}


def has_come_back(recording_id: str, ports: Ports) -> bool:
    """Return whether there is a chunk that no destruction of the recording has covered: it arrived later.

    Raises:
        StorageError: the catalog does not answer.
    """
    return any(chunk.disposed_at is None for chunk in ports.catalog.chunks_of(recording_id))


def _kept_for(because: Because, rules: RuleSet) -> Disposition:
    reason = Reason(because)
    return Disposition(Action.KEEP, None, reasons=(reason,), blocked_by=(reason,), rules=rules.number)
