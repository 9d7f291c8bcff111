"""Overview: the state of everything at a glance, and the history of one recording. Read-only."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from recording.control.findings import findings_of
from recording.domain import names
from recording.domain.archived.receipt import UnreadRow
from recording.domain.ids import name_of
from recording.domain.outgoing.events import Subject, SubjectKind
from recording.domain.state.chunk import ChunkRecord
from recording.domain.state.recording import RecordingRecord
from recording.domain.state.transitions import is_archived, is_finished, is_held
from recording.domain.times import after, as_utc
from recording.domain.watched import deadline
from recording.errors import StorageError
from recording.errors.codes import OF_ONE_ROW, Code
from recording.library.keep.assess import custody_of
from recording.ports import AuditEntry, Ports, Unreadable
from recording.ports.bulkhead import readable
from recording.ports.stored import all_chunks_of

MOST_COUNTED = 20_000  # rows read for the counts; takes some seconds


@dataclass(frozen=True)
class Overview:
    """Counts of chunks. `least_time_left` is that of the counted open ones; None when none is open.

    `counted_all` is False when there are more rows than are read, or one of them cannot be read.
    """

    states: Mapping[str, int]
    open_chunks: int
    held_chunks: int
    least_time_left: timedelta | None
    counted_all: bool = True
    archived_chunks: int = 0
    archived_today: int = 0  # since midnight UTC, and their bytes
    bytes_today: int = 0


@dataclass(frozen=True, order=True)
class Moment:
    """Something that happened to a recording, or to one chunk of it where it has an index.

    Attributes:
        kind: `command` (a caller's request), `event` (reported by ACS), `media` (from the recording itself), `step`
            (done by this app), `alarm`, or `planned` (due to happen).
        who: the object id of the caller, of commands.
        outcome: of commands: `asked`, `done`, or the code of the refusal.
    """

    at: datetime
    what: str
    index: int | None = None
    document_id: str | None = None
    kind: str = "step"
    who: str | None = None
    outcome: str | None = None


@dataclass(frozen=True)
class Unread:
    """A row about the recording that cannot be read: the story lacks what it says.

    Attributes:
        table: where the row is: `recordings`, `chunks`, `audit`, `custody` or `outbox`.
        row: its key there, and why it cannot be read.
    """

    table: str
    row: UnreadRow

    @property
    def index(self) -> int | None:
        """Return the index of a chunk, by the key of its row."""
        return self.row.index if self.table == names.CHUNKS_TABLE else None


@dataclass(frozen=True)
class Story:
    """One recording's moments, the earliest first, and the present state of its chunks.

    Attributes:
        recording: its row; None when there is none, or it is among the unread ones.
        chunks: those that can be read, by index.
        moments: what happened, as far as it can be read.
        unread: the rows that cannot be read.
    """

    recording: RecordingRecord | None
    chunks: tuple[ChunkRecord, ...]
    moments: tuple[Moment, ...]
    unread: tuple[Unread, ...] = ()


def overview(ports: Ports) -> Overview:
    """Count the chunks of the catalog by state, at most `MOST_COUNTED` of them.

    Raises:
        StorageError: when the catalog does not answer.
    """
    counted_all = False
    states: Counter[str] = Counter()
    held_chunks = 0
    left: list[timedelta] = []
    archived: list[tuple[bool, int]] = []  # whether today, and its length
    midnight = ports.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        listing = readable(ports.catalog.all_chunks(), "all_chunks")
        for record in islice(listing, MOST_COUNTED):
            states[record.state.value] += 1
            held_chunks += is_held(record)
            if is_archived(record):
                archived.append(
                    (record.cataloged_at is not None and record.cataloged_at >= midnight, record.length_bytes or 0)
                )
            if not is_finished(record):
                left.append(deadline.time_left(record.task.expires_at, ports.clock.now()))
        counted_all = next(listing, None) is None
    except StorageError as error:
        if error.code not in OF_ONE_ROW:
            raise
    return Overview(
        states=dict(sorted(states.items())),
        open_chunks=len(left),
        held_chunks=held_chunks,
        least_time_left=min(left, default=None),
        counted_all=counted_all,
        archived_chunks=len(archived),
        archived_today=sum(is_today for is_today, _ in archived),
        bytes_today=sum(length for is_today, length in archived if is_today),
    )


def story(recording_id: str, ports: Ports) -> Story | None:
    """Return what is known about one recording, and what cannot be read; None when the catalog does not know it.

    Raises:
        StorageError: when the catalog does not answer.
    """
    recording, own = _own_row(recording_id, ports)
    chunks, unread = all_chunks_of(recording_id, ports.catalog)
    if recording is None and not (own or chunks or unread):
        return None
    entries = list(ports.audit.entries_about(recording_id))
    moments = [moment for chunk in chunks for moment in (*_of_chunk(chunk), *_of_media(chunk), *_of_suspects(chunk))]
    moments += [*_of_recording(recording), *_of_call(recording, chunks, unread)] if recording else []
    moments += [_of_command(entry) for entry in entries]
    odd = [UnreadRow(entry.row_id, Code.UNREADABLE_RECORD) for entry in entries if not entry.is_readable]
    places = (
        (names.RECORDINGS_TABLE, own),
        (names.CHUNKS_TABLE, unread),
        (names.AUDIT_TABLE, odd),
        (names.CUSTODY_TABLE, _unread_custody(recording_id, ports)),
        (names.OUTBOX_TABLE, _unread_events(recording_id, ports)),
    )
    lacking = tuple(Unread(table, row) for table, found in places for row in found)
    return Story(recording, tuple(chunks), tuple(sorted(moments, key=lambda moment: moment.at)), lacking)


def _own_row(recording_id: str, ports: Ports) -> tuple[RecordingRecord | None, list[UnreadRow]]:
    """Return the recording's record, or that its row cannot be read."""
    try:
        return ports.catalog.get_recording(recording_id), []
    except StorageError as error:
        if error.code not in OF_ONE_ROW:
            raise
        return None, [UnreadRow(name_of(recording_id), error.code)]


def _unread_custody(recording_id: str, ports: Ports) -> list[UnreadRow]:
    """Return the row of holds and claims if it cannot be read: whether the recording is held is not known then."""
    found = custody_of(recording_id, ports) if ports.keeping is not None else None
    return [UnreadRow(found.where, found.code)] if isinstance(found, Unreadable) else []


def _unread_events(recording_id: str, ports: Ports) -> list[UnreadRow]:
    """Return the events that wait for receivers and cannot be read; the key of each begins with the recording's."""
    if ports.outgoing is None:
        return []
    subject = Subject(kind=SubjectKind.RECORDING, id=recording_id)
    return [UnreadRow(row.where, row.code) for row in ports.outgoing.outbox.unread(subject)]


def _of_command(entry: AuditEntry) -> Moment:
    """Return the moment of an entry in the audit trail: a caller's request or its outcome."""
    told = "; ".join(text for text in (entry.part, entry.note) if text)
    what = f"{entry.operation}: {entry.outcome}" + (f" ({told})" if told else "")
    return Moment(entry.at, what, kind="command", who=entry.caller, outcome=entry.outcome)


def _of_media(chunk: ChunkRecord) -> Iterator[Moment]:
    """Yield the course of the recording from its metadata: start, pauses and end."""
    facts, index, document = chunk.facts, chunk.task.index, chunk.task.document_id
    if facts is None:
        return
    if facts.started_at is not None:
        yield Moment(facts.started_at, "the file begins", index, document, "media")
        if facts.duration_ms is not None and (end := after(facts.started_at, facts.duration_ms)) is not None:
            yield Moment(end, f"the file ends: {chunk.task.end_reason or 'no reason given'}", index, document, "media")
    for pause in facts.pauses:
        if pause.started_at is not None:
            yield Moment(pause.started_at, "paused", index, document, "media")
            if pause.duration_ms is not None and (end := after(pause.started_at, pause.duration_ms)) is not None:
                yield Moment(end, "resumed", index, document, "media")


def _of_suspects(chunk: ChunkRecord) -> Iterator[Moment]:
    """Yield the attempts whose bytes failed the media check, and the decision about them."""
    index, document = chunk.task.index, chunk.task.document_id
    for suspect in chunk.suspects:
        yield Moment(suspect.at, f"bytes failed the media check: {suspect.reason}", index, document, "alarm")
    if chunk.accepted is not None:
        accepted = chunk.accepted
        yield Moment(accepted.at, f"accepted: {accepted.note}", index, document, "command", accepted.by, "done")
    if chunk.broken_since is not None:
        what = f"the same bytes were refused {chunk.broken_tries} times since"
        yield Moment(chunk.broken_since, what, index, document, "alarm")


def _of_recording(recording: RecordingRecord) -> Iterator[Moment]:
    moments = [
        ("started", recording.started_at, "event"),
        (f"{recording.last_action} here", recording.last_action_at, "step"),
        ("consent captured", _captured_at(recording), "command"),
        ("first event received", recording.first_event_at, "event"),
        ("ACS does not answer since", recording.unanswered_since, "alarm"),
        ("found to be over", recording.ended_seen_at, "event"),
        ("missing: no file was announced", recording.missing_since, "alarm"),
        ("incomplete: some files were not announced", recording.incomplete_since, "alarm"),
        ("can be found", recording.placement.at if recording.placement else None, "step"),
        ("settled", recording.settled_at, "step"),
    ]
    yield from (Moment(at, what, kind=kind) for what, at, kind in moments if at is not None)


def _of_call(
    recording: RecordingRecord, chunks: Sequence[ChunkRecord], unread: Sequence[UnreadRow]
) -> Iterator[Moment]:
    """Yield the pauses requested here, the steps of consent, and pauses that only the metadata reports."""
    for pause in recording.pauses:
        why = f": {pause.reason}" if pause.reason else ""
        yield Moment(pause.at, f"pause begins{why}", kind="command", who=pause.by)
        if pause.ended_at is not None and pause.how is not None:
            yield Moment(pause.ended_at, f"pause ends: {pause.how.replace('_', ' ')}", kind="step")
        elif pause.ends_by is not None:
            yield Moment(pause.ends_by, "the pause ends", kind="planned")
    for step in recording.consents:
        yield Moment(step.at, f"consent {step.step}", kind="command", who=step.by)
    if recording.call_alarm is not None and recording.call_alarm_since is not None:
        yield Moment(recording.call_alarm_since, recording.call_alarm.replace("_", " "), kind="alarm")
    if recording.stopped_alarm_at is not None:
        yield Moment(recording.stopped_alarm_at, "stopped, and it must be recorded", kind="alarm")
    for finding in findings_of(recording, chunks, unread):
        what = f"pauses differ: {finding.what.replace('_', ' ')} ({finding.seconds:g} s)"
        yield Moment(finding.at, what, kind="alarm")


def _captured_at(recording: RecordingRecord) -> datetime | None:
    """Return when consent was given, according to its evidence."""
    try:
        return as_utc(datetime.fromisoformat(str((recording.consent or {}).get("capturedAt"))))
    except ValueError:
        return None


def _of_chunk(chunk: ChunkRecord) -> Iterator[Moment]:
    why = chunk.quarantine_reason or chunk.last_error
    is_open = not is_finished(chunk)
    moments = [
        (f"announced by event {chunk.task.event_id}", chunk.task.event_time, "event"),
        ("first seen", chunk.first_seen_at, "step"),
        ("at risk", chunk.at_risk_since, "alarm"),
        ("past its deadline", chunk.past_deadline_since, "alarm"),
        ("ACS reports it gone", chunk.gone_since, "alarm"),
        ("archive refuses since", chunk.archive_refused_since, "alarm"),
        ("kept in the second destination", chunk.fallback.kept_at if chunk.fallback else None, "step"),
        ("copied", chunk.copied_at, "step"),
        (f"verified: {', '.join(chunk.verified_how)}", chunk.verified_at, "step"),
        ("cataloged", chunk.cataloged_at, "step"),
        ("source deleted", chunk.source_deleted_at, "step"),
        (f"{chunk.state}: {why}", chunk.changed_at if is_held(chunk) else None, "alarm"),
        (f"try {chunk.attempts} failed: {why}", chunk.changed_at if is_open and chunk.last_error else None, "step"),
        ("claimed until", chunk.claim_expires_at, "planned"),
        ("next try", chunk.next_attempt_at, "planned"),
        ("ACS forgets it", chunk.task.expires_at if is_open else None, "planned"),
    ]
    index, document = chunk.task.index, chunk.task.document_id
    yield from (Moment(at, what, index, document, kind) for what, at, kind in moments if at is not None)
