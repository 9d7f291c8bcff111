"""The outbox and its queue, in memory and in Azurite: the same promises."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dev.in_memory.builders import FAKE_CLOCK_START as NOW
from dev.in_memory.fakes.outgoing import FakeOutbox
from recording.adapters.storage_queue import StorageOutboxQueue, queue_client
from recording.adapters.table.outbox import TableOutbox
from recording.adapters.table.tables import remove_rows
from recording.domain.names import OUTBOX_QUEUE
from recording.domain.outgoing.delivery import Entry, Progress
from recording.domain.outgoing.events import EventType, HoldData, OutgoingEvent, Subject, SubjectKind, event_of
from recording.domain.outgoing.message import NotifyTask, read_task
from recording.errors import ClaimLostError
from recording.ports.outgoing import Outbox
from recording.settings import Settings

BOTH = ["fake", pytest.param("azurite", marks=pytest.mark.azurite)]
SUBJECT = Subject(kind=SubjectKind.RECORDING, id="rec-1")
LONGER = Subject(kind=SubjectKind.RECORDING, id="rec-1-more")


@pytest.fixture(params=BOTH)
def outbox(request: pytest.FixtureRequest) -> Iterator[Outbox]:
    if request.param == "fake":
        yield FakeOutbox()
        return
    adapter = TableOutbox(request.getfixturevalue("storage"))
    yield adapter
    adapter.close()


def held(minutes: int, subject: Subject = SUBJECT) -> OutgoingEvent:
    at = NOW + timedelta(minutes=minutes)
    return event_of(EventType.HELD, subject, at, HoldData(recording_id=subject.id, holds=minutes), at)


def test_what_waits_comes_in_the_order_of_its_sequence_and_of_its_subject_only(outbox: Outbox) -> None:
    """An event waits once, however often it is added."""
    assert outbox.pending(SUBJECT) == []
    assert outbox.waiting(10).items == ()
    for minutes in (2, 0, 1):
        assert outbox.add(Entry(event=held(minutes)))
    assert outbox.add(Entry(event=held(0, LONGER)))
    assert not outbox.add(Entry(event=held(1)))
    assert [entry.event for entry in outbox.pending(SUBJECT)] == [held(0), held(1), held(2)]
    assert [entry.event for entry in outbox.pending(LONGER)] == [held(0, LONGER)]
    assert len(outbox.waiting(10).items) == 4
    assert outbox.waiting(10).next == ""
    first = outbox.waiting(2)
    second = outbox.waiting(10, first.next)
    assert (len(first.items), len(second.items), second.next) == (2, 2, "")
    assert {*map(str, first.items), *map(str, second.items)} == set(map(str, outbox.waiting(10).items))


def test_an_entry_is_saved_and_removed_under_its_etag(outbox: Outbox) -> None:
    """Of two workers one is refused, so that an event is not sent by both; what changed meanwhile stays."""
    outbox.add(Entry(event=held(0)))
    (entry,) = outbox.pending(SUBJECT)
    saved = outbox.save(entry.claimed(NOW))
    with pytest.raises(ClaimLostError):
        outbox.save(entry.claimed(NOW))
    with pytest.raises(ClaimLostError):
        outbox.save(Entry(event=held(0)))
    again = outbox.save(saved.with_progress("crm", Progress(tries=1, due=NOW)))
    (found,) = outbox.pending(SUBJECT)
    assert found.progress("crm") == again.progress("crm") == Progress(tries=1, due=NOW)
    for stale in (saved, entry, Entry(event=held(0))):
        with pytest.raises(ClaimLostError):
            outbox.remove(stale)
    assert len(outbox.pending(SUBJECT)) == 1
    outbox.remove(again)
    outbox.remove(again)
    assert outbox.pending(SUBJECT) == []
    with pytest.raises(ClaimLostError):
        outbox.save(again)


def test_marks_are_one_list_under_its_etag(outbox: Outbox) -> None:
    """Two writers do not overwrite each other's marks."""
    nothing, etag = outbox.marks(SUBJECT)
    assert (nothing, etag) == (frozenset(), None)
    many = frozenset(f"{number:016x}" for number in range(3000))
    outbox.save_marks(SUBJECT, many, None)
    with pytest.raises(ClaimLostError):
        outbox.save_marks(SUBJECT, frozenset(), None)
    found, etag = outbox.marks(SUBJECT)
    assert found == many
    outbox.save_marks(SUBJECT, many | {"x"}, etag)
    with pytest.raises(ClaimLostError):
        outbox.save_marks(SUBJECT, many, etag)
    assert outbox.marks(SUBJECT)[0] == many | {"x"}
    assert outbox.marks(LONGER) == (frozenset(), None)


def test_the_history_is_read_by_time_and_in_pages(outbox: Outbox) -> None:
    """Both ends are included; writing an event again changes nothing."""
    for minutes in (5, 1, 3, 2, 4, 4):
        outbox.keep(held(minutes))
    outbox.keep(held(3, LONGER))
    since, until = NOW + timedelta(minutes=2), NOW + timedelta(minutes=4)
    found: list[OutgoingEvent] = []
    position = ""
    for _ in range(10):
        page = outbox.history(since, until, position, 2)
        found += [item for item in page.items if isinstance(item, OutgoingEvent)]
        position = page.next
        if not position:
            break
    assert [event.at for event in found] == sorted(event.at for event in found)
    assert {event.id for event in found} == {held(2).id, held(3).id, held(3, LONGER).id, held(4).id}
    assert len(found) == 4


def test_the_history_forgets_the_oldest_so_many_at_a_time(outbox: Outbox) -> None:
    """What is older than the replay reaches costs nothing any more."""
    assert outbox.forget(NOW, 10) == 0
    for minutes in range(5):
        outbox.keep(held(minutes))
    assert outbox.forget(NOW + timedelta(minutes=3), 2) == 2
    assert outbox.forget(NOW + timedelta(minutes=3), 10) == 1
    left = outbox.history(NOW, NOW + timedelta(hours=1)).items
    assert left == (held(3), held(4))


def test_the_history_forgets_hundreds_of_one_minute(outbox: Outbox) -> None:
    """A busy minute is more than one transaction, and its neighbours stay."""
    for number in range(230):
        outbox.keep(held(0).model_copy(update={"id": f"{number:032x}"}))
    outbox.keep(held(1))
    assert outbox.forget(NOW + timedelta(minutes=1), 1000) == 230
    assert outbox.history(NOW, NOW + timedelta(hours=1)).items == (held(1),)


@pytest.mark.azurite
def test_rows_that_another_worker_has_removed_are_no_fault(storage: Settings) -> None:
    """Two instances forget at the same time: a transaction of which one row is gone removes the others all the same."""
    adapter = TableOutbox(storage)
    for number in range(3):
        adapter.keep(held(0).model_copy(update={"id": f"{number:032x}"}))
    rows = list(adapter._between("sent-", "sent-~"))
    remove_rows(adapter._table, rows[:1])
    remove_rows(adapter._table, rows)
    assert list(adapter._between("sent-", "sent-~")) == []
    adapter.close()


def test_how_a_way_stands_is_one_row_under_its_etag(outbox: Outbox) -> None:
    """A way that was never in trouble has none."""
    fresh = outbox.health("crm")
    assert (fresh.way, fresh.failing_since, fresh.etag) == ("crm", None, None)
    saved = outbox.save_health(fresh.model_copy(update={"failing_since": NOW, "given_up": 2}))
    with pytest.raises(ClaimLostError):
        outbox.save_health(fresh)
    found = outbox.health("crm")
    assert (found.failing_since, found.given_up) == (NOW, 2)
    outbox.save_health(saved)
    with pytest.raises(ClaimLostError):
        outbox.save_health(saved)


@pytest.mark.azurite
def test_a_row_that_cannot_be_read_hides_no_other(storage: Settings) -> None:
    """A newer version's event waits for that version; the rest goes out."""
    adapter = TableOutbox(storage)
    newer = held(0).model_copy(update={"version": 2})
    adapter.add(Entry(event=newer))
    adapter.add(Entry(event=held(1)))
    adapter.keep(newer)
    adapter.keep(held(1))
    assert [entry.event for entry in adapter.pending(SUBJECT)] == [held(1)]
    assert [row.where for row in adapter.unread(SUBJECT)] == [f"{SUBJECT.name}!{newer.sequence}-{newer.id}"]
    found = adapter.history(NOW, NOW + timedelta(hours=1)).items
    assert held(1) in found
    assert len(found) == 2
    adapter.close()


@pytest.mark.azurite
def test_a_message_is_what_was_sent(storage: Settings) -> None:
    """Base64 as the host reads it, hidden for as long as it must wait."""
    queue = StorageOutboxQueue(storage)
    queue.send(NotifyTask(subject=SUBJECT, event=held(0)))
    queue.send(NotifyTask(subject=SUBJECT), timedelta(days=30))  # longer than the service hides anything
    queue.send_again("{}", timedelta())
    client = queue_client(storage.host_storage, OUTBOX_QUEUE)
    import base64

    texts = [base64.b64decode(message.content).decode() for message in client.receive_messages(max_messages=10)]
    assert [read_task(text) for text in texts] == [NotifyTask(subject=SUBJECT, event=held(0)), None]
    client.close()
    queue.close()
