"""The port DeadLetters: the same promises from the fake and from Blob storage."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import BlobServiceClient

from dev.in_memory.fakes.quarantine import FakeDeadLetters
from recording.adapters.blob.dead_letters import BlobDeadLetters
from recording.ports import DeadLetter, DeadLetters
from recording.ports.bulkhead import readable
from recording.settings import Settings

Posted = tuple[DeadLetters, Callable[[str, str], None]]


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def posted(request: pytest.FixtureRequest) -> Iterator[Posted]:
    """The port, and how Event Grid writes a letter."""
    if request.param == "fake":
        fake = FakeDeadLetters()
        yield fake, lambda name, body: fake.kept.update({name: DeadLetter(name, body, datetime.now(UTC))})
        return
    plain: Settings = request.getfixturevalue("storage")
    settings = plain.model_copy(update={"dead_letter_storage": plain.host_storage})
    connection = plain.host_storage.connection_string
    assert connection is not None
    with (
        BlobServiceClient.from_connection_string(connection.get_secret_value()) as service,
        service.get_container_client(settings.dead_letter_container) as container,
        closing(BlobDeadLetters(settings)) as adapter,
    ):
        container.create_container()

        def write(name: str, body: str) -> None:
            container.upload_blob(name, body.encode())

        yield adapter, write
        container.delete_container()


def test_a_letter_comes_as_it_was_written(posted: Posted) -> None:
    """With its name, which tells the subscription, and its time."""
    letters, write = posted
    write("voice/TO-FUNCTION/2026/11/23/9/a.json", '[{"id": "ü"}]')
    (found,) = readable(letters.letters(), "letters")
    assert (found.name, found.body) == ("voice/TO-FUNCTION/2026/11/23/9/a.json", '[{"id": "ü"}]')
    assert abs(datetime.now(UTC) - found.at) < timedelta(minutes=5)


def test_what_is_removed_is_gone_and_removing_it_again_is_no_error(posted: Posted) -> None:
    """Two sweeps at once."""
    letters, write = posted
    for name in ("b.json", "a.json"):
        write(name, "[]")
    first, second = readable(letters.letters(), "letters")
    assert (first.name, second.name) == ("a.json", "b.json")
    letters.remove(first)
    letters.remove(first)
    assert [left.name for left in readable(letters.letters(), "letters")] == ["b.json"]


@pytest.mark.azurite
def test_without_a_container_there_are_none(storage: Settings) -> None:
    """It is never made here: Event Grid must find it first."""
    with closing(BlobDeadLetters(storage.model_copy(update={"dead_letter_storage": storage.host_storage}))) as adapter:
        assert list(adapter.letters()) == []
