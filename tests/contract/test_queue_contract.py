"""The port ChunkQueue: the same promises from the fake and from Queue storage."""

import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from dev.in_memory.fakes.clock import FakeClock
from dev.in_memory.fakes.queue import FakeQueue
from recording.adapters.storage_queue import StorageChunkQueue
from recording.domain.names import CHUNKS_POISON_QUEUE, CHUNKS_QUEUE, EVENTS_POISON_QUEUE
from recording.domain.state.chunk import ChunkTask
from recording.ports import MOST_SHOWN, ChunkQueue, Peeked
from recording.settings import Settings

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TASK = ChunkTask(
    recording_id="rec-1",
    call_id="call-1",
    document_id="0-eus-d1-aa",
    index=0,
    content_location="https://storage.asm.skype.com/v1/objects/0-eus-d1-aa/content/audio",
    end_reason="ünïcode",
    event_id="event-1",
    event_time=NOW,
    expires_at=NOW + timedelta(hours=24),
    folder="f",
)


@dataclass
class Subject:
    """A queue under test, and the host's side of it."""

    queue: ChunkQueue
    poison: Callable[[str], None]
    poison_event: Callable[[str], None]
    visible_bodies: Callable[[], list[ChunkTask]]


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "fake":
        fake = FakeQueue(FakeClock())
        yield Subject(fake, fake.poison, fake.poison_event, fake.take_due)
        return
    settings = request.getfixturevalue("storage")
    adapter = StorageChunkQueue(settings)
    with (
        client(settings, CHUNKS_QUEUE) as queue,
        client(settings, CHUNKS_POISON_QUEUE) as poison,
        client(settings, EVENTS_POISON_QUEUE) as events,
    ):
        yield Subject(
            adapter,
            lambda body: send_poison(poison, body),
            lambda body: send_poison(events, body),
            lambda: received(queue),
        )
    adapter.close()


def client(settings: Settings, name: str) -> QueueClient:
    connection_string = settings.host_storage.connection_string
    assert connection_string is not None
    return QueueClient.from_connection_string(connection_string.get_secret_value(), name)


def send_poison(poison: QueueClient, body: str) -> None:
    """As the host: it copies the message as it was, which is base64."""
    send_raw(poison, base64.b64encode(body.encode()).decode())


def send_raw(poison: QueueClient, content: str) -> None:
    with suppress(ResourceExistsError):
        poison.create_queue()
    poison.send_message(content)


def received(queue: QueueClient) -> list[ChunkTask]:
    """What the host would hand to a worker now: it decodes base64 first."""
    bodies = [base64.b64decode(message.content, validate=True) for message in queue.receive_messages()]
    return [ChunkTask.model_validate_json(body) for body in bodies]


def test_a_sent_task_arrives_whole(subject: Subject) -> None:
    """The host decodes base64; the task must be the same after that."""
    subject.queue.send(TASK)
    assert subject.visible_bodies() == [TASK]


def test_a_delayed_task_is_not_visible_yet(subject: Subject) -> None:
    """Back-off lives in the queue, not in a sleeping worker."""
    subject.queue.send(TASK, timedelta(minutes=5))
    assert subject.visible_bodies() == []


def test_no_poison_queue_means_no_poison(subject: Subject) -> None:
    """The host makes it with its first poison message, which may never come."""
    assert list(subject.queue.poisoned()) == []


def test_poisoned_events_are_read_apart_from_poisoned_tasks(subject: Subject) -> None:
    """They go back through ingest, tasks go back to the queue."""
    subject.poison("a task")
    subject.poison_event("an event")
    (event,) = subject.queue.poisoned_events()
    (task,) = subject.queue.poisoned()
    assert (event.body, task.body) == ("an event", "a task")
    subject.queue.remove_poisoned(event)
    subject.queue.remove_poisoned(task)
    assert (list(subject.queue.poisoned_events()), list(subject.queue.poisoned())) == ([], [])


def test_poison_is_read_and_hidden_and_removed(subject: Subject) -> None:
    """A sweep that dies leaves its messages for the next one; a sweep that finishes removes them."""
    for body in ("one", "two"):
        subject.poison(body)
    messages = list(subject.queue.poisoned())
    assert sorted(message.body for message in messages) == ["one", "two"]
    assert list(subject.queue.poisoned()) == []
    for message in messages:
        subject.queue.remove_poisoned(message)
        subject.queue.remove_poisoned(message)  # removing what is gone is success


def test_the_depth_of_the_queues_is_told(subject: Subject) -> None:
    """A queue that grows is the first sign of everything."""
    assert {depth.messages for depth in subject.queue.depths()} == {0}
    subject.queue.send(TASK)
    subject.poison("a task")
    found = {depth.name: depth for depth in subject.queue.depths()}
    assert (found["recording-chunks"].messages, found["recording-chunks-poison"].messages) == (1, 1)
    assert found["recording-chunks"].oldest_at is not None


def test_poison_can_be_looked_at_without_taking_it(subject: Subject) -> None:
    """A person looks; the sweep must find it all the same."""
    assert subject.queue.peek_poisoned() == Peeked()
    subject.poison("a task")
    subject.poison_event("an event")
    seen = subject.queue.peek_poisoned().messages
    assert [(one.body, one.receipt) for one in seen] == [("a task", None), ("an event", None)]
    assert all(one.at is not None for one in seen)
    (task,) = subject.queue.poisoned()
    (event,) = subject.queue.poisoned_events()
    assert (task.id, event.id) == (seen[0].id, seen[1].id)
    assert subject.queue.peek_poisoned() == Peeked()


@pytest.mark.parametrize(("count", "may_have_more"), [(MOST_SHOWN - 1, False), (MOST_SHOWN, True)])
def test_a_poison_queue_that_is_not_seen_to_its_end_says_so(
    subject: Subject, count: int, *, may_have_more: bool
) -> None:
    """The service shows so many and has no next page; the one who filters them must still know."""
    for number in range(count):
        subject.poison(f"task {number}")
    seen = subject.queue.peek_poisoned()
    assert (len(seen.messages), seen.may_have_more) == (count, may_have_more)
    for message in subject.queue.poisoned():
        subject.queue.remove_poisoned(message)


@pytest.mark.azurite
@pytest.mark.parametrize("content", ["{not base64}", "////", "not json at all"])
def test_a_body_that_is_not_base64_text_is_handed_out_as_it_is(storage: Settings, content: str) -> None:
    """I6: what nobody can read is kept for a person, so it must come out of the queue somehow."""
    adapter = StorageChunkQueue(storage)
    with client(storage, CHUNKS_POISON_QUEUE) as poison:
        send_raw(poison, content)
        assert [message.body for message in adapter.poisoned()] == [content]
    adapter.close()


@pytest.mark.azurite
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_poisoned_event_is_read_as_on_its_own_queue(storage: Settings, encoding: str) -> None:
    """An event that is poisoned by an outage must not be refused afterwards for the encoding that it always had."""
    adapter = StorageChunkQueue(storage)
    with client(storage, EVENTS_POISON_QUEUE) as poison:
        send_raw(poison, base64.b64encode('{"id": "ü"}'.encode(encoding)).decode())
        assert [message.body.removeprefix("\ufeff") for message in adapter.poisoned_events()] == ['{"id": "ü"}']
    adapter.close()


@pytest.mark.azurite
def test_a_task_never_expires_in_the_queue(storage: Settings) -> None:
    """The default of seven days would drop a task silently while its worker is down."""
    adapter = StorageChunkQueue(storage)
    adapter.send(TASK)
    with client(storage, CHUNKS_QUEUE) as queue:
        (message,) = queue.peek_messages()
        assert message.expires_on is not None
        assert message.expires_on.year > 9000
    adapter.close()


@pytest.mark.azurite
def test_a_delay_longer_than_the_service_allows_is_cut_to_seven_days(storage: Settings) -> None:
    """A refused send would lose the task's place in the queue."""
    adapter = StorageChunkQueue(storage)
    adapter.send(TASK, timedelta(days=30))
    adapter.send(TASK, timedelta(seconds=-3))
    with client(storage, CHUNKS_QUEUE) as queue:
        assert len(received(queue)) == 1
    adapter.close()
