"""Find everything that is held: for an operator or for the next sweep, the most urgent first.

Held items are in four places: the catalog has chunks that ended QUARANTINED or EXPIRED; the quarantine container has
refused events and messages, and other bytes under a finished chunk's ids; the poison queues have messages that the host
gave up on; the dead letters are events that Event Grid could not deliver. The last two are re-queued automatically
(`reconcile.sweep`); the first two only when an operator requests it (`held.redrive`), or they are dismissed.

Everything in quarantine is listed, unless the catalog's own record of that chunk says the same.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import get_close_matches

from pydantic import ValidationError

from recording.archive.tasks import is_safe
from recording.domain.ids import are_same_id, canonical_id
from recording.domain.incoming.requests import HeldFilter
from recording.domain.state.chunk import ChunkRecord, ChunkTask
from recording.domain.state.quarantine import REASONS, Origin, is_reported_by
from recording.domain.state.transitions import is_archived, is_left_at_that
from recording.domain.watched.attention import Attention, AttentionItem
from recording.errors import RequestError, StorageBusyError, StorageError
from recording.errors.codes import OF_ONE_ROW, Code
from recording.ingest import why_of_others
from recording.operate.held_items import (
    Held,
    Kind,
    by_urgency,
    first_event,
    of_chunk,
    of_entry,
    of_leftover,
    of_letter,
    of_message,
)
from recording.ports import MOST_SHOWN, DeadLetter, PoisonMessage, Ports, QuarantineEntry, Unreadable
from recording.settings import Settings

PLACES = ("catalog", "quarantine", "poison queues", "dead letters")  # ids of items for broken listings
MOST_LETTERS = 10_000  # dead letters that one look reads; those of other subscriptions stay, and may be before ours
LETTERS_TIME = timedelta(minutes=1)  # for the same; a request must be answered
Found = ChunkRecord | tuple[tuple[str, QuarantineEntry], ...] | PoisonMessage | DeadLetter | None


@dataclass
class Unlisted:
    """What one look at everything that is held did not see.

    Attributes:
        broken: what broke off a listing.
        beyond: the places that may have more than was read.
    """

    broken: list[StorageError] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)

    def check(self, chosen: HeldFilter) -> None:
        """Refuse to say that nothing matches a filter: it may well be there.

        Raises:
            StorageError: a listing broke off, or what is asked for by its id may be behind what was read.
        """
        if self.broken:
            raise self.broken[0]
        if self.beyond and (chosen.id is not None or chosen.recording_id is not None):
            raise StorageBusyError(f"not found in what was read, and there may be more in {', '.join(self.beyond)}")


def is_match(held: Held | AttentionItem, chosen: HeldFilter) -> bool:
    """Return whether an item matches a filter; its reason may also be a chunk's state or a kind."""
    if chosen.id is not None and chosen.id not in (held.id, *held.entries):
        return False
    if chosen.reason is not None and chosen.reason not in (held.reason, held.state, held.kind):
        return False
    if chosen.recording_id is not None and not _is_about(held, chosen.recording_id):
        return False
    happened = held.event_time or held.at
    return (chosen.before is None or happened < chosen.before) and (chosen.after is None or happened >= chosen.after)


def _is_about(held: Held | AttentionItem, recording_id: str) -> bool:
    return held.recording_id is not None and are_same_id(recording_id, held.recording_id)


def find_held(ports: Ports, settings: Settings, chosen: HeldFilter) -> list[tuple[Held, Found]]:
    """Return the matching held items, each with its origin, the most urgent first.

    Raises:
        RequestError: `unknown_id`, `unknown_reason` or `unknown_recording`.
        StorageError: when the catalog does not answer, or nothing that could be listed matches and there may be more.
    """
    unlisted = Unlisted()
    everything = list(everything_held(ports, settings, unlisted))
    found = [pair for pair in everything if is_match(pair[0], chosen)]
    if not found:
        unlisted.check(chosen)
        check_known(chosen, [one for one, _ in everything], ports)
    return sorted(found, key=lambda pair: by_urgency(pair[0]))


def check_known(chosen: HeldFilter, everything: Sequence[Held | AttentionItem], ports: Ports) -> None:
    """Refuse a filter that can match nothing: an empty list would be read as good news.

    Raises:
        RequestError: `unknown_id`, `unknown_reason` or `unknown_recording`.
    """
    if chosen.id is not None and not any(chosen.id in (one.id, *one.entries) for one in everything):
        raise RequestError("unknown id: nothing held has it", code=Code.UNKNOWN_ID)
    reasons = sorted({one.reason for one in everything})
    words = REASONS.union(Kind, Attention, ("quarantined", "expired", "poisoned"), reasons)
    if chosen.reason is not None and chosen.reason not in words:
        near = get_close_matches(chosen.reason, sorted(map(str, words)), n=2)
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        held_now = f"; reasons now: {', '.join(reasons)}" if reasons else ""
        raise RequestError(f"unknown reason{meant}{held_now}", code=Code.UNKNOWN_REASON)
    if chosen.recording_id is not None and not _is_known(chosen.recording_id, everything, ports):
        raise RequestError(
            "unknown recording: neither the catalog nor anything held names it", code=Code.UNKNOWN_RECORDING
        )


def _is_known(recording_id: str, everything: Sequence[Held | AttentionItem], ports: Ports) -> bool:
    if any(_is_about(one, recording_id) for one in everything):
        return True
    return is_in_catalog(canonical_id(recording_id), ports)


def is_in_catalog(recording_id: str, ports: Ports) -> bool:
    """Return whether the catalog has rows of a recording, also if none of them can be read.

    Raises:
        StorageError: when the catalog does not answer.
    """
    try:
        return ports.catalog.get_recording(recording_id) is not None or bool(ports.catalog.chunk_rows_of(recording_id))
    except StorageError as error:
        if error.code not in OF_ONE_ROW:
            raise
        return True


def everything_held(ports: Ports, settings: Settings, unlisted: Unlisted | None = None) -> Iterator[tuple[Held, Found]]:
    """List everything that is held, each item with its origin.

    A place whose listing breaks off is an item too, so that it hides neither itself nor the others.

    Args:
        ports: where things are held.
        settings: for the times of events.
        unlisted: gets what was not seen.

    Raises:
        StorageError: when the catalog does not answer, or none of the places.
    """
    now, unlisted = ports.clock.now(), unlisted or Unlisted()
    errors = unlisted.broken
    places: Mapping[str, Callable[[], Iterator[tuple[Held, Found]]]] = {
        "catalog": lambda: _chunks(ports, now),
        "quarantine": lambda: _entries(ports, settings, now),
        "poison queues": lambda: _messages(ports, settings, now, unlisted),
        "dead letters": lambda: _letters(ports, settings, now, unlisted),
    }
    for place, listing in places.items():
        is_begun = False
        try:
            for pair in listing():
                is_begun = True
                yield pair
        except StorageError as error:
            errors.append(error)
            if len(errors) == len(places) or (place == "catalog" and not is_begun):
                raise
            yield _unreadable(Unreadable(place, error.code), now), None


def _messages(ports: Ports, settings: Settings, now: datetime, unlisted: Unlisted) -> Iterator[tuple[Held, Found]]:
    """List what the host gave up on, as far as the service shows it."""
    seen, peeked = Counter[str](), ports.queue.peek_poisoned()
    for message in peeked.messages:
        yield of_message(message, settings, now), message
    for queue, message in ports.leftovers.peek() if ports.leftovers is not None else ():
        seen[queue] += 1
        yield of_leftover(message, now), message
    if peeked.may_have_more or any(count >= MOST_SHOWN for count in seen.values()):
        unlisted.beyond.append("poison queues")


def _letters(ports: Ports, settings: Settings, now: datetime, unlisted: Unlisted) -> Iterator[tuple[Held, Found]]:
    """List what Event Grid gave up on; events of another type are for another reader, and may name people."""
    for letter in _all_letters(ports, unlisted):
        if isinstance(letter, Unreadable):
            yield _unreadable(letter, now), None
        elif why_of_others(letter.body, now, settings) != Code.OTHER_EVENT_TYPE:
            yield of_letter(letter, settings, now), letter


def _all_letters(ports: Ports, unlisted: Unlisted) -> Iterator[DeadLetter | Unreadable]:
    """Yield the dead letters, listing by listing; where there are too many, the place counts as not wholly listed."""
    began, count, after, last = ports.clock.now(), 0, "", None
    while ports.dead_letters is not None and after != last:
        last = after
        for letter in ports.dead_letters.letters(after):
            if count >= MOST_LETTERS or ports.clock.now() - began > LETTERS_TIME:
                unlisted.beyond.append("dead letters")
                return
            yield letter
            count += 1
            after = max(after, letter.name if isinstance(letter, DeadLetter) else letter.where)


def _chunks(ports: Ports, now: datetime) -> Iterator[tuple[Held, Found]]:
    """List the chunks that the line has given up; an unreadable row is an item of its own."""
    for record in ports.catalog.held_chunks():
        if isinstance(record, Unreadable):
            yield _unreadable(record, now), None
        elif not is_left_at_that(record):
            yield of_chunk(record, now), record


def _unreadable(item: Unreadable, now: datetime) -> Held:
    return Held(item.where, Kind.UNREADABLE, item.code, now, payload="")


def _entries(ports: Ports, settings: Settings, now: datetime) -> Iterator[tuple[Held, Found]]:
    """List what is in quarantine but not in the catalog; an event once, however many delivery paths refused it."""
    groups: dict[tuple[str, ...], list[tuple[str, QuarantineEntry, ChunkTask | None]]] = {}
    broke_off: StorageError | None = None
    try:
        for name, entry in ports.quarantine.entries():
            task = _task_of(entry)
            if entry.is_open and not (_is_reported(task, entry, ports) if task else _is_decided(entry, ports)):
                groups.setdefault(_identity(name, entry), []).append((name, entry, task))
    except StorageError as error:
        broke_off = error
    for group in groups.values():
        one = of_entry(*group[0], settings, now)
        yield replace(one, entries=tuple(name for name, *_ in group)), tuple((name, entry) for name, entry, _ in group)
    if broke_off is not None:
        raise broke_off


def _identity(name: str, entry: QuarantineEntry) -> tuple[str, ...]:
    """Return a refused item's id: an event's id and subject where it has an id, else its entry."""
    event = first_event(entry.payload)
    if entry.origin in (Origin.CHUNK, Origin.FOREIGN) or not event.get("id"):
        return (name,)
    return entry.reason, str(event["id"]), str(event.get("subject"))


def _task_of(entry: QuarantineEntry) -> ChunkTask | None:
    """Return the task in an entry; also one that a worker of another version could not read."""
    if entry.origin not in (Origin.CHUNK, Origin.CHUNK_QUEUE):
        return None
    try:
        task = ChunkTask.model_validate_json(entry.payload)
    except ValidationError:
        return None
    return task if entry.origin is Origin.CHUNK or is_safe(task) else None


def _is_decided(entry: QuarantineEntry, ports: Ports) -> bool:
    """Return whether a second name of a file turned out to be right, and the file is archived under it."""
    if entry.reason != Code.DUPLICATE_DOCUMENT or entry.recording_id is None:
        return False
    named = (one for one in ports.catalog.chunks_of(entry.recording_id) if one.task.index == entry.index)
    return any(is_archived(one) and one.task.document_id in entry.payload for one in named)


def _is_reported(task: ChunkTask, entry: QuarantineEntry, ports: Ports) -> bool:
    try:
        return is_reported_by(ports.catalog.get_chunk(task.key), task, entry.at)
    except StorageError as error:
        if error.code not in OF_ONE_ROW:
            raise
        return False
