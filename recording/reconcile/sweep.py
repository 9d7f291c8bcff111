"""Sweep: what the host or Event Grid gave up on goes back to work, and is removed only after that.

Everything keeps its identity, so what is there twice in between is archived once. What cannot be read or trusted goes
to quarantine, so nothing comes round for ever.
"""

from itertools import islice

from pydantic import ValidationError

from recording.archive.claim import ids_of, unreadable_task
from recording.domain.chunk import ChunkTask
from recording.domain.transitions import is_settled_for
from recording.errors import StorageError
from recording.ingest import ingest_text
from recording.ports import DeadLetter, PoisonMessage, Ports
from recording.settings import Settings
from recording.telemetry import Event, emit

MOST_A_RUN = 2000  # a run stays well below the host's time limit; the next one goes on


def sweep(ports: Ports, settings: Settings) -> int:
    """Puts back to work what lies in the poison queues and among the dead letters; how much there was.

    Raises:
        StorageError: the queues or the catalog do not answer. Dead letters that cannot be read are only told: they
            lie in an account of their own, and nothing else must wait for it.
    """
    return _events(ports, settings) + _tasks(ports) + _letters(ports, settings)


def put_back_task(task: ChunkTask, message: PoisonMessage, ports: Ports) -> None:
    """Enqueues a poisoned task again unless its chunk is settled, then removes the message.

    Raises:
        StorageError: when storage does not answer; the message is still there, or the task twice.
    """
    known = ports.catalog.get_chunk(task.key)
    if known is None or not is_settled_for(known, task):
        ports.queue.send(task.again())
        emit(Event.REDRIVEN, reason="poisoned", attempt=task.attempt + 1, **ids_of(task))
    ports.queue.remove_poisoned(message)


def put_back_event(message: PoisonMessage, ports: Ports, settings: Settings) -> None:
    """Ingests a poisoned event, then removes the message: an outage of storage must not cost an event.

    Raises:
        StorageError: when storage does not answer; the message is still there.
    """
    ingest_text(message.body, "event_queue", ports, settings)
    ports.queue.remove_poisoned(message)


def put_back_letter(letter: DeadLetter, ports: Ports, settings: Settings) -> None:
    """Ingests the events of a dead letter, then removes it; one that cannot be removed is ingested again, for nothing.

    Raises:
        StorageError: catalog or queue do not answer; the letter is still there.
    """
    ingest_text(letter.body, "dead_letter", ports, settings)
    emit(Event.REDRIVEN, reason="dead_letter", entry=letter.name)
    try:
        if ports.dead_letters is not None:
            ports.dead_letters.remove(letter)
    except StorageError as error:
        _tell_unavailable(error)


def keep_unreadable(message: PoisonMessage, ports: Ports) -> None:
    """Keeps a message that is no task for a person, then removes it from the queue."""
    entry = unreadable_task(message.body, ports.clock.now())
    name = ports.quarantine.put(entry)
    ports.queue.remove_poisoned(message)
    emit(Event.EVENT_REJECTED, reason=entry.reason, came_from=entry.came_from, entry=name)


def task_in(message: PoisonMessage) -> ChunkTask | None:
    """The task in a message; None when it is none."""
    try:
        return ChunkTask.model_validate_json(message.body)
    except ValidationError:
        return None


def _events(ports: Ports, settings: Settings) -> int:
    messages = list(islice(ports.queue.poisoned_events(), MOST_A_RUN))
    for message in messages:
        put_back_event(message, ports, settings)
    return len(messages)


def _tasks(ports: Ports) -> int:
    """The most urgent first."""
    readable: list[tuple[ChunkTask, PoisonMessage]] = []
    messages = list(islice(ports.queue.poisoned(), MOST_A_RUN))
    for message in messages:
        task = task_in(message)
        if task is None:
            keep_unreadable(message, ports)
        else:
            readable.append((task, message))
    for task, message in sorted(readable, key=lambda pair: pair[0].expires_at):
        put_back_task(task, message, ports)
    return len(messages)


def _letters(ports: Ports, settings: Settings) -> int:
    if ports.dead_letters is None:
        return 0
    try:
        letters = list(islice(ports.dead_letters.letters(), MOST_A_RUN))
    except StorageError as error:
        _tell_unavailable(error)
        return 0
    for letter in letters:
        put_back_letter(letter, ports, settings)
    return len(letters)


def _tell_unavailable(error: StorageError) -> None:
    emit(Event.DEAD_LETTERS_UNAVAILABLE, code=error.code, fault=error.fault, detail=str(error))
