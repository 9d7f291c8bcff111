"""The poison queues beside the line, in memory and in Azurite: the same promises."""

import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from azure.core.exceptions import ResourceExistsError

from dev.in_memory.fakes.clock import FakeClock
from dev.in_memory.fakes.leftovers import FakeLeftovers
from recording.adapters.storage_queue import StorageLeftovers, queue_client
from recording.domain.names import BESIDE_THE_LINE, GUARDS_QUEUE, OUTBOX_QUEUE
from recording.ports import Leftovers
from recording.settings import Settings

BOTH = ["fake", pytest.param("azurite", marks=pytest.mark.azurite)]


@dataclass
class Here:
    """The port, a host that gives up, and what came back into a queue."""

    leftovers: Leftovers
    gives_up: Callable[[str, str], None]
    back: Callable[[str], list[str]]


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest) -> Iterator[Here]:
    if request.param == "fake":
        fake = FakeLeftovers(FakeClock())
        yield Here(fake, fake.gives_up, lambda queue: [body for name, body in fake.back if name == queue])
        return
    settings: Settings = request.getfixturevalue("storage")
    adapter = StorageLeftovers(settings)
    clients = {name: queue_client(settings.host_storage, name) for name in (OUTBOX_QUEUE, f"{OUTBOX_QUEUE}-poison")}
    poison = clients[f"{OUTBOX_QUEUE}-poison"]

    def gives_up(name: str, body: str) -> None:
        assert name == OUTBOX_QUEUE
        poison.send_message(body)

    def back(name: str) -> list[str]:
        found = clients[name].peek_messages(max_messages=32)
        return [base64.b64decode(message.content).decode() for message in found]

    for client in clients.values():
        with suppress(ResourceExistsError):
            client.create_queue()
        client.clear_messages()
    yield Here(adapter, gives_up, back)
    adapter.close()
    for client in clients.values():
        client.close()


def test_the_queues_are_those_beside_the_line(here: Here) -> None:
    """The line's own poison queues are reconcile's."""
    assert tuple(here.leftovers.names) == BESIDE_THE_LINE
    assert here.leftovers.received(GUARDS_QUEUE, 10) == []  # the host never made it


def test_a_message_is_seen_received_once_and_put_back_as_it_came(here: Here) -> None:
    """Whoever receives it hides it from others; put back, it is in its queue and nowhere else."""
    for body in ("first", "second"):
        here.gives_up(OUTBOX_QUEUE, body)
    seen = here.leftovers.peek()
    assert sorted((name, message.body) for name, message in seen) == [(OUTBOX_QUEUE, "first"), (OUTBOX_QUEUE, "second")]
    received = here.leftovers.received(OUTBOX_QUEUE, 10)
    assert {message.id for message in received} == {message.id for _, message in seen}
    assert here.leftovers.peek() == []
    assert here.leftovers.received(OUTBOX_QUEUE, 10) == []
    for message in received:
        here.leftovers.put_back(OUTBOX_QUEUE, message)
    assert sorted(here.back(OUTBOX_QUEUE)) == ["first", "second"]


def test_no_more_are_received_than_are_asked_for(here: Here) -> None:
    """The rest stays for the next run."""
    for number in range(3):
        here.gives_up(OUTBOX_QUEUE, str(number))
    assert len(here.leftovers.received(OUTBOX_QUEUE, 2)) == 2
    assert len(here.leftovers.received(OUTBOX_QUEUE, 2)) == 1
