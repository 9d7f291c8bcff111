"""Sweep: re-queue what the host or Event Grid gave up on, and only then remove it.

Everything keeps its identity, so what exists twice in between is archived once. What cannot be read or trusted goes to
quarantine, so nothing loops forever.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from recording.archive.claim import ids_of, unreadable_task
from recording.archive.tasks import NEWER_AFTER, NewerTaskError, UnreadableTaskError, read_task
from recording.domain.state.chunk import ChunkTask
from recording.domain.state.quarantine import Origin
from recording.domain.state.transitions import is_settled_for
from recording.errors import StorageError
from recording.ingest import ingest_text, why_of_others
from recording.ports import DeadLetter, PoisonMessage, Ports, Unreadable
from recording.ports.bulkhead import Bulkhead, from_anywhere
from recording.reconcile.in_turn import InTurn
from recording.settings import Settings
from recording.telemetry import Event, emit

MOST_LETTERS = 1000  # dead letters of one run
LETTERS_SIZE = 4 << 20  # characters of dead letters that are in memory at once, or one letter that has more
LETTERS_TIME = timedelta(minutes=10)  # for those of one run: one letter may hold thousands of events
MOST_A_RUN = 2000  # items of a loop's window, to stay well below the host's time limit; the next run continues
SWEPT = ("poisoned_events", "dead_letters")  # loops of which many items may fail while storage answers
MOST_POISONED = 50_000  # messages of each poison queue in one run
Letter = DeadLetter | Unreadable


def sweep(ports: Ports, settings: Settings, bulkhead: Bulkhead) -> int:
    """Re-queue the content of the poison queues and the dead letters; return how many items were re-queued.

    Each message fails on its own: it is reported, stays where it is, and delays no other.
    """
    return (
        bulkhead.part(lambda: _events(ports, settings, bulkhead), 0, "poisoned_events")
        + bulkhead.part(lambda: _tasks(ports, settings, bulkhead), 0, "poisoned_tasks")
        + bulkhead.part(lambda: _letters(ports, settings, bulkhead), 0, "dead_letters")
    )


def put_back_task(task: ChunkTask, message: PoisonMessage, ports: Ports, settings: Settings) -> None:
    """Enqueue a poisoned task again unless its chunk is settled, then remove the message.

    Raises:
        StorageError: when storage does not answer; the message is still there, or the task is queued twice.
    """
    known = ports.catalog.get_chunk(task.key)
    if known is None or not is_settled_for(known, task):
        task = read_task(message.body, ports.clock.now(), settings.retention, known)
        ports.queue.send(task.again())
        emit(Event.REDRIVEN, reason="poisoned", attempt=task.attempt + 1, **ids_of(task))
    ports.queue.remove_poisoned(message)


def put_back_event(message: PoisonMessage, ports: Ports, settings: Settings) -> None:
    """Ingest a poisoned event, then remove the message: an outage of storage must not lose an event.

    Raises:
        StorageError: when storage does not answer; the message is still there.
    """
    ingest_text(message.body, Origin.EVENT_QUEUE, ports, settings)
    ports.queue.remove_poisoned(message)


def put_back_letter(letter: DeadLetter, ports: Ports, settings: Settings) -> None:
    """Ingest the events of a dead letter, then remove it; one that stays is ingested again without effect.

    Raises:
        StorageError: catalog or queue do not answer; the letter is still there.
    """
    ingest_text(letter.body, Origin.DEAD_LETTER, ports, settings)
    emit(Event.REDRIVEN, reason="dead_letter", entry=letter.name)
    try:
        if ports.dead_letters is not None:
            ports.dead_letters.remove(letter)
    except StorageError as error:
        _tell_unavailable(error)


def keep_unreadable(message: PoisonMessage, ports: Ports) -> None:
    """Quarantine a message that is not a task, then remove it from the queue."""
    entry = unreadable_task(message.body, ports.clock.now())
    name = ports.quarantine.put(entry)
    ports.queue.remove_poisoned(message)
    emit(Event.EVENT_REJECTED, reason=entry.reason, came_from=entry.came_from, entry=name)


def task_in(message: PoisonMessage, now: datetime, settings: Settings) -> ChunkTask | None:
    """Return the task in a message; None when it is not one that this version may work on."""
    try:
        return read_task(message.body, now, settings.retention)
    except UnreadableTaskError:
        return None


def _events(ports: Ports, settings: Settings, bulkhead: Bulkhead) -> int:
    def put_back(messages: Sequence[PoisonMessage]) -> int:
        done = bulkhead.each_at_once(
            from_anywhere(messages, ports.jitter),
            lambda message: put_back_event(message, ports, settings),
            "poisoned_events",
            lambda one: one.id,
        )
        return len(done)

    return _in_batches(ports.queue.poisoned_events, put_back, bulkhead, "poisoned_events")


def _in_batches(
    receive: Callable[[], Iterator[PoisonMessage]],
    put_back: Callable[[Sequence[PoisonMessage]], int],
    bulkhead: Bulkhead,
    loop: str,
) -> int:
    """Receive and re-queue until nothing is left; received messages are hidden for a while, so none is seen twice."""
    total = seen = 0
    while seen < MOST_POISONED:
        messages = list(bulkhead.readable(islice(receive(), MOST_A_RUN), loop))
        done = put_back(messages) if messages else 0
        seen += len(messages)
        total += done
        if not done:  # none is left, or none can be re-queued now
            break
    return total


def _tasks(ports: Ports, settings: Settings, bulkhead: Bulkhead) -> int:
    """Return the most urgent first, within each batch."""
    return _in_batches(
        ports.queue.poisoned, lambda messages: _batch(messages, ports, settings, bulkhead), bulkhead, "poisoned_tasks"
    )


def _batch(messages: Sequence[PoisonMessage], ports: Ports, settings: Settings, bulkhead: Bulkhead) -> int:
    readable: list[tuple[ChunkTask, PoisonMessage]] = []
    kept: list[PoisonMessage] = []
    for message in messages:
        task = task_in(message, ports.clock.now(), settings)
        if task is None:
            kept.append(message)
        else:
            readable.append((task, message))
    readable.sort(key=lambda pair: pair[0].expires_at)
    turn, before = InTurn(readable, "poisoned_tasks", ports, bulkhead), bulkhead.tried["poisoned_tasks"]
    done = bulkhead.each_at_once(
        turn.items, lambda pair: put_back_task(*pair, ports, settings), "poisoned_tasks", lambda pair: pair[1].id
    )
    turn.end(bulkhead.tried["poisoned_tasks"] - before, even_in_outage=True)
    others = bulkhead.each(
        kept, lambda message: _keep_or_leave(message, ports, settings), "poisoned_tasks", lambda one: one.id
    )
    return len(done) + sum(others)


def _keep_or_leave(message: PoisonMessage, ports: Ports, settings: Settings) -> bool:
    """Quarantine what is not a task; a newer version's task returns to the queue."""
    try:
        read_task(message.body, ports.clock.now(), settings.retention)
    except NewerTaskError:
        ports.queue.send_again(message.body, NEWER_AFTER)
        ports.queue.remove_poisoned(message)
        return False
    except UnreadableTaskError:
        keep_unreadable(message, ports)
    return True


def _letters(ports: Ports, settings: Settings, bulkhead: Bulkhead) -> int:
    """Sweep the dead letters, which have their own account: a failure to list them is reported and delays nothing.

    The window moves on from run to run, so that letters that stay do not hide those behind them; what else the run does
    waits LETTERS_TIME for them.
    """
    if ports.dead_letters is None:
        return 0
    start = bulkhead.part(lambda: ports.catalog.cursor("dead_letters"), "", "dead_letters")
    following, done, looked_at, began = "", 0, 0, ports.clock.now()
    try:
        for batch in _in_pieces(islice(ports.dead_letters.letters(start), MOST_LETTERS)):
            done += _take_letters(batch, ports, settings, bulkhead)
            looked_at += len(batch)
            is_late = ports.clock.now() - began > LETTERS_TIME or bulkhead.is_over("dead_letters")
            if is_late or looked_at == MOST_LETTERS:
                following = _name_of(batch[-1])
                break
    except StorageError as error:
        _tell_unavailable(error)
    if following != start:
        bulkhead.part(lambda: ports.catalog.save_cursor("dead_letters", following), None, "dead_letters")
    return done


def _in_pieces(letters: Iterator[Letter]) -> Iterator[list[Letter]]:
    """Yield the letters, as many at once as LETTERS_SIZE allows; those before a failure of the listing, too."""
    batch: list[Letter] = []
    size = 0
    try:
        for letter in letters:
            batch.append(letter)
            size += len(letter.body) if isinstance(letter, DeadLetter) else 0
            if size >= LETTERS_SIZE:
                yield batch
                batch, size = [], 0
    except StorageError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _take_letters(batch: Sequence[Letter], ports: Ports, settings: Settings, bulkhead: Bulkhead) -> int:
    letters = bulkhead.readable(batch, "dead_letters")
    done = bulkhead.each(
        from_anywhere(list(letters), ports.jitter),
        lambda letter: _take_letter(letter, ports, settings),
        "dead_letters",
        lambda one: one.name,
    )
    return sum(done)


def _name_of(letter: Letter) -> str:
    return letter.name if isinstance(letter, DeadLetter) else letter.where


def _take_letter(letter: DeadLetter, ports: Ports, settings: Settings) -> bool:
    """Re-queue a letter; one of another subscription in the same container is left for its own reader."""
    if why_of_others(letter.body, ports.clock.now(), settings) is not None:
        return False
    put_back_letter(letter, ports, settings)
    return True


def _tell_unavailable(error: StorageError) -> None:
    emit(Event.DEAD_LETTERS_UNAVAILABLE, code=error.code, fault=error.fault, detail=str(error))
