"""Hostile and malformed input: kept for a person, and nobody is contacted."""

import json
import socket
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

from dev.in_memory.builders import chunk, document_id, event
from tests.system.steps import Steps

ALLOWED = "storage.asm.skype.com"


class Listener:
    """A port on loopback that remembers whether anybody came."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.contacts: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.contacts.append(connection.recv(65536))

    def close(self) -> None:
        """Stops listening."""
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A host that must never be contacted."""
    listening = Listener()
    yield listening
    listening.close()


def hostile_locations(port: int, document: str) -> dict[str, str]:
    """Locations that some client or parser may take for allowed ones, by what is wrong with them."""
    path = f"/v1/objects/{document}/content/video"
    return {
        "foreign host": f"https://127.0.0.1:{port}{path}",
        "look-alike suffix": f"https://storage.asm.skype.com.example.org{path}",
        "http": f"http://{ALLOWED}{path}",
        "user info": f"https://{ALLOWED}@127.0.0.1:{port}{path}",
        "backslash": f"https://127.0.0.1:{port}\\@{ALLOWED}{path}",
        "port": f"https://{ALLOWED}:{port}{path}",
        "percent-encoded host": f"https://127.0.0.1%3a{port}%2f.{ALLOWED}{path}",
        "percent-encoded path": f"https://{ALLOWED}/v1/objects/..%2f..%2f{document}/content/video",
        "dot segments": f"https://{ALLOWED}/v1/../objects/{document}/content/video",
        "fragment": f"https://127.0.0.1:{port}#@{ALLOWED}{path}",
        "control character": f"https://127.0.0.1:{port}\t.{ALLOWED}{path}",
        "bare apex": f"https://asm.skype.com{path}",
    }


def test_a_hostile_location_is_quarantined_and_nobody_is_contacted(world: Steps, listener: Listener) -> None:
    """I5 and I6: no request leaves for such a location, so no credential does."""
    before = len(world.simulator.journal())
    marks = {}
    for kind in hostile_locations(0, "x"):
        document = document_id(uuid4().int % 2**96)
        marks[kind] = document
        hostile = hostile_locations(listener.port, document)[kind]
        told = event(chunk(0, document, contentLocation=hostile), id=kind, topic=world.world.addresses.resource_id)
        assert world.post_to_webhook(told) == 202

    world.wait_until(
        lambda: all(world.quarantine_reason_of(mark) for mark in marks.values()), "all events are in quarantine"
    )

    assert {world.quarantine_reason_of(mark) for mark in marks.values()} <= {"unsafe_location", "foreign_host"}
    assert listener.contacts == []
    assert world.simulator.foreign_contacts() == []
    assert len(world.simulator.journal()) == before


@pytest.mark.parametrize("field", ["metadataLocation", "deleteLocation"])
def test_a_hostile_second_location_is_not_called_and_costs_no_recording(
    world: Steps, listener: Listener, field: str
) -> None:
    """The least important part does not decide: the media is archived, and nobody else is contacted."""
    kinds = list(hostile_locations(0, "x"))
    made = [world.simulator.create_objects(duration_ms=1000, publish_event=False)[0] for _ in kinds]
    for kind, one in zip(kinds, made, strict=True):
        hostile = {field: hostile_locations(listener.port, one["documentId"])[kind]}
        told = event(
            chunk(0, one["documentId"], **{"contentLocation": _location(one), "metadataLocation": None, **hostile}),
            id=kind,
            topic=world.world.addresses.resource_id,
            subject=f"/recording/call/{uuid4()}/recordingId/{uuid4().hex}",
        )
        assert world.post_to_webhook(told) == 202

    world.wait_until(lambda: len(world.archived_of(made)) == len(made), "all media is archived")

    assert listener.contacts == []
    assert world.simulator.foreign_contacts() == []


def test_a_redirect_to_a_foreign_host_is_not_followed(world: Steps, listener: Listener) -> None:
    """I5 on every hop: the source itself may be made to point elsewhere."""
    made = world.simulator.create_objects(duration_ms=1000, publish_event=False)[0]
    target = f"https://127.0.0.1:{listener.port}/v1/objects/{made['documentId']}/content/video"
    world.simulator.add_fault("content", "redirect", times=1, document_id=made["documentId"], location=target)
    told = event(
        chunk(0, made["documentId"], contentLocation=_location(made), metadataLocation=None),
        topic=world.world.addresses.resource_id,
        subject=f"/recording/call/{uuid4()}/recordingId/{uuid4().hex}",
    )
    assert world.post_to_webhook(told) == 202

    world.wait_until(lambda: bool(world.archived_of([made])), "the next answer was the file, and it is archived")

    assert world.quarantine_reason_of(made["documentId"]) is None
    assert listener.contacts == []
    assert world.simulator.foreign_contacts() == []


def _location(made: dict[str, str]) -> str:
    return f"https://{ALLOWED}/v1/objects/{made['documentId']}/content/video"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"topic": "/subscriptions/0/resourcegroups/x/providers/y/z/other"}, "other_resource"),
        ({"subject": "/recording/something/else"}, "unreadable_subject"),
        ({"subject": "/recording/call/{call-id}/recordingId/{recording-id}"}, "invalid_id"),
        ({"data": {"recordingStorageInfo": {"recordingChunks": []}}}, "unreadable_event"),
        ({"data": {"recordingStorageInfo": None}}, "unreadable_event"),
    ],
)
def test_what_cannot_be_trusted_is_kept_with_its_reason_on_both_paths(
    world: Steps, changes: dict[str, object], reason: str
) -> None:
    """Never dropped: a person must be able to see and redrive it."""
    marks = [uuid4().hex, uuid4().hex]
    told = [event(**{"topic": world.world.addresses.resource_id, "id": mark, **changes}) for mark in marks]  # type: ignore[arg-type]
    assert world.post_to_webhook(told[0]) == 202
    world.put_on_queue(told[1])

    world.wait_until(lambda: all(world.quarantine_reason_of(mark) for mark in marks), "both are in quarantine")

    assert [world.quarantine_reason_of(mark) for mark in marks] == [reason, reason]


def test_a_message_that_is_no_json_is_kept_as_it_was(world: Steps) -> None:
    """Even rubbish is evidence."""
    mark = f"not json {uuid4().hex}"
    world.put_on_queue(mark)

    world.wait_until(lambda: world.quarantine_reason_of(mark) is not None, "the text is in quarantine")

    entry = next(entry for entry in world.quarantined() if mark in json.dumps(entry))
    assert (entry["reason"], entry["payload"]) == ("unreadable_event", mark)
