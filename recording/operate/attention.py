"""Attention: gather what needs an operator from catalog, quarantine, queues and expectations, in bounded work."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Generic, TypeVar

from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkRecord
from recording.domain.watched import attention as model
from recording.domain.watched import looks
from recording.domain.watched.attention import Attention, AttentionItem, by_urgency
from recording.domain.watched.expectation import Expectation
from recording.domain.watched.looks import ReconcileLook, ScrubLook, SealLook
from recording.errors import StorageError, fault_of
from recording.errors.codes import OF_ONE_ROW, Code
from recording.library.notify.operate import health_of_ways
from recording.operate.find_held import PLACES, Unlisted, check_known, everything_held, is_match
from recording.operate.held_items import Held, Kind
from recording.operate.held_items import by_urgency as held_by_urgency
from recording.ports import Ports, Unreadable
from recording.ports.stored import divide_rows
from recording.settings import Settings

T = TypeVar("T")
MOST_LOOKED_AT = 2000  # open chunks with the least time left, and as many open recordings
_KINDS = {
    Kind.POISONED: Attention.POISONED,
    Kind.DEAD_LETTER: Attention.DEAD_LETTER,
    Kind.UNREADABLE: Attention.UNREADABLE,
}


@dataclass(frozen=True)
class NeedsAttention:
    """Everything that needs attention, the most urgent first, and the held part of it.

    `complete` is False when more is open than is read, where the rest has more time left, or one of the places `beyond`
    may hold more than is read. `reconciled` and `scrubbed` are the results of the timers' last runs; None before the
    first.
    """

    items: tuple[AttentionItem, ...]
    held: tuple[Held, ...] = ()
    complete: bool = True
    reconciled: ReconcileLook | None = None
    scrubbed: ScrubLook | None = None
    beyond: tuple[str, ...] = ()

    @property
    def unlisted(self) -> tuple[str, ...]:
        """Return the places whose listing broke off, or that may hold more than is read."""
        broken = {item.id for item in self.items if item.kind is Attention.UNREADABLE}
        return tuple(place for place in PLACES if place in broken or place in self.beyond)


def needs_attention(
    ports: Ports, settings: Settings, chosen: HeldFilter | None = None, stuck_after: int = model.STUCK_AFTER
) -> NeedsAttention:
    """Gather everything that needs attention and matches the filter.

    Args:
        ports: where things are.
        settings: for the times of events.
        chosen: the filter; None is everything.
        stuck_after: failed tries from which on an open chunk counts; `FAILED_ONCE` for what may be retried.

    Raises:
        RequestError: `unknown_id`, `unknown_reason` or `unknown_recording`: the filter names nothing that exists.
        StorageError: when the catalog does not answer; then nothing is known. A listing that breaks off later, or
            another place that does not answer, is an item.
    """
    now, chosen = ports.clock.now(), chosen or HeldFilter()
    unlisted = Unlisted()
    pairs = list(everything_held(ports, settings, unlisted))
    items = [_of_held(one, found, now, settings) for one, found in pairs]
    listed = {one.id for one in items}
    open_items, complete = _of_open(ports, settings, now, stuck_after)
    open_items = [one for one in open_items if one.kind is not Attention.UNREADABLE or one.id not in listed]
    reconciled, scrubbed = _last_looks(ports)
    timers = looks.late(reconciled, scrubbed, _last_comparison(ports), now)
    everything = [*items, *open_items, *timers, *_of_endpoints(ports, now)]
    meant = [item for item in everything if is_match(item, chosen)]
    if not meant:
        unlisted.check(chosen)
        check_known(chosen, everything, ports)
    held = sorted((one for one, _ in pairs if is_match(one, chosen)), key=held_by_urgency)
    complete, beyond = complete and not unlisted.beyond, tuple(unlisted.beyond)
    return NeedsAttention(tuple(by_urgency(meant)), tuple(held), complete, reconciled, scrubbed, beyond)


def _of_endpoints(ports: Ports, now: datetime) -> Iterator[AttentionItem]:
    """Yield the receivers of events that fail or are disabled."""
    if ports.outgoing is None:
        return
    for health in health_of_ways(ports):
        if health.needs_attention(now):
            since = health.disabled_at or health.failing_since or now
            code = Code.ENDPOINT_DISABLED if health.is_disabled else Code.of(health.code)
            reason = (code or Code.ENDPOINT_UNREACHABLE).value
            yield AttentionItem(Attention.ENDPOINT, f"endpoint/{health.way}", reason, since, fault=fault_of(reason))


def _last_looks(ports: Ports) -> tuple[ReconcileLook | None, ScrubLook | None]:
    """Return the results of the last runs of reconcile and scrub."""
    reconciled, scrubbed = ports.catalog.cursor(looks.RECONCILED), ports.catalog.cursor(looks.SCRUBBED)
    return ReconcileLook.read(reconciled), ScrubLook.read(scrubbed)


def _last_comparison(ports: Ports) -> SealLook | None:
    """Return the result of the seal's last comparison; None where nothing is sealed."""
    return SealLook.read(ports.catalog.cursor(looks.COMPARED)) if ports.seal is not None else None


def _of_held(one: Held, found: object, now: datetime, settings: Settings) -> AttentionItem:
    if isinstance(found, ChunkRecord) and (item := model.of_chunk(found, now, settings.at_risk_below)) is not None:
        return item
    return AttentionItem(
        kind=_KINDS.get(one.kind, Attention.HELD),
        id=one.id,
        reason=one.reason,
        at=one.at,
        fault=fault_of(one.reason),
        recording_id=one.recording_id,
        document_id=one.document_id,
        index=one.index,
        attempts=one.attempts,
        event_time=one.event_time,
        time_left=one.time_left,
        entries=one.entries,
    )


def _of_open(ports: Ports, settings: Settings, now: datetime, stuck_after: int) -> tuple[list[AttentionItem], bool]:
    chunks = _Look(ports.catalog.open_chunks, now)
    known = {record.key: record for record in chunks}
    still = _Look(lambda: ports.catalog.open_chunks(now), now)
    if not chunks.has_ended:  # chunks that can be saved must not be hidden by thousands that are late
        known |= {record.key: record for record in still}
    found = (model.of_chunk(record, now, settings.at_risk_below, stuck_after) for record in known.values())
    items = [item for item in found if item is not None]
    recordings = _Look(ports.catalog.alarmed_recordings, now)
    for record in recordings:
        if (call := model.of_call(record)) is not None:
            items.append(call)
        is_reported = record.missing_since is not None or record.incomplete_since is not None
        if not is_reported and record.stands != Expectation.UNREADABLE:
            continue  # its files may still arrive
        try:
            rows = ports.catalog.chunk_rows_of(record.recording_id)
        except StorageError as error:
            items.append(_unreadable(error, now, record.recording_id))
            continue
        recordings.unreadable += [_row(row, now) for row in rows if isinstance(row, Unreadable)]
        files, unread = divide_rows(rows)
        if (item := model.of_recording(record, files, now, settings.expected_after, unread)) is not None:
            items.append(item)
    unreadable = {one.id: one for look in (still, chunks, recordings) for one in look.unreadable}
    return [*items, *unreadable.values()], chunks.complete and recordings.complete


class _Look(Generic[T]):
    """A bounded read of a listing: an unreadable row is an item, and does not hide the others."""

    def __init__(self, listing: Callable[[], Iterator[T | Unreadable]], now: datetime) -> None:
        self._listing, self._now = listing, now
        self.complete = True  # False: there are more than were read
        self.has_ended = False  # True: everything was read, down to the last row
        self.unreadable: list[AttentionItem] = []

    def __iter__(self) -> Iterator[T]:
        is_begun = False
        try:
            listing = self._listing()
            for item in islice(listing, MOST_LOOKED_AT):
                is_begun = True
                if isinstance(item, Unreadable):
                    self.unreadable.append(_row(item, self._now))
                else:
                    yield item
            self.has_ended = self.complete = next(listing, None) is None
        except StorageError as error:
            if not is_begun:
                self.unreadable.append(_unreadable(error, self._now))
                return
            self.complete = False
            self.unreadable.append(_row(Unreadable("catalog", error.code), self._now))


def _row(item: Unreadable, now: datetime) -> AttentionItem:
    return AttentionItem(Attention.UNREADABLE, item.where, item.code, now, fault_of(item.code))


def _unreadable(error: StorageError, now: datetime, recording_id: str | None = None) -> AttentionItem:
    """Describe a row that cannot be read; a failure of storage is re-raised."""
    if error.code not in OF_ONE_ROW:
        raise error
    name = recording_id or error.code
    return AttentionItem(Attention.UNREADABLE, name, error.code, now, fault_of(error.code), recording_id)
