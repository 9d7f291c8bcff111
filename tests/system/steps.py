"""What the scenarios do and look at, in the words of the story."""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import urllib3
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from dev.acs_simulator.client import SimulatorClient
from dev.api import JSON, RecordingApi
from dev.in_memory import builders
from dev.prove.witness import version_of, without_version
from dev.world import LocalWorld
from recording.domain.names import EVENTS_QUEUE

PATIENCE_SECONDS = 60.0
QUARANTINE = "recording-quarantine"


class Steps:
    """A local world with the steps that scenarios are made of."""

    def __init__(self, world: LocalWorld) -> None:
        self.world = world
        self.simulator: SimulatorClient = world.simulator

    @property
    def api(self) -> RecordingApi:
        """The app's own API; asked for anew, since a restarted host may answer elsewhere."""
        return RecordingApi(self.world.host_url)

    def post_to_webhook(self, event: Any) -> int:
        """Delivers an event (or an array) to the function's webhook as Event Grid does; returns the status."""
        headers = {"aeg-event-type": "Notification", "Content-Type": "application/json"}
        body = json.dumps(event if isinstance(event, list) else [event])
        return urllib3.request("POST", self.world.webhook_url(), body=body, headers=headers, timeout=60.0).status

    def tags(self, recording_id: str, tags: dict[str, str]) -> None:
        """Tags a recording through the app."""
        address = f"{self.world.host_url}/api/recordings/{recording_id}"
        answer = urllib3.request("PATCH", address, json={"tags": tags}, headers={"If-Match": "*"}, timeout=30.0)
        assert answer.status == 200, answer.data

    def put_on_queue(self, event: Any) -> None:
        """Puts an event on `recording-events` as Event Grid's storage queue delivery does."""
        text = event if isinstance(event, str) else json.dumps(event)
        with QueueClient.from_connection_string(self.world.storage, EVENTS_QUEUE) as queue:
            queue.send_message(base64.b64encode(text.encode()).decode())

    def remove_archived(self, name: str) -> None:
        """Somebody deletes a blob of the archive, past the app."""
        with BlobServiceClient.from_connection_string(self.world.storage) as service:
            service.get_blob_client("recordings", name).delete_blob()

    def tell_of(self, made: list[JSON]) -> None:
        """Publishes the event about objects that were made without one."""
        chunks = [builders.chunk(one["index"], one["documentId"], **_locations(one["documentId"])) for one in made]
        call_id, recording_id = made[0]["recordingId"][:36], made[0]["recordingId"]
        told = builders.event(
            *chunks,
            data={"recordingDurationMs": sum(one["durationMs"] for one in made), "recordingStartTime": None},
            topic=self.world.addresses.resource_id,
            subject=f"/recording/call/{call_id}/recordingId/{recording_id}",
            eventTime=self.simulator.now(),
        )
        assert self.post_to_webhook(told) == 202

    def wait_until(self, holds: Callable[[], bool], what: str, patience: float = PATIENCE_SECONDS) -> None:
        """Returns once it holds; fails with what was waited for and the end of the host's log."""
        give_up_at = time.monotonic() + patience
        while not holds():
            if time.monotonic() > give_up_at:
                raise AssertionError(
                    f"waited {patience:.0f} s until {what}\n{self.world.log_path().read_text()[-6000:]}"
                )
            time.sleep(0.1)

    def event_grid_gives_up(self, subscriptions: int) -> None:
        """Let the time pass that Event Grid waits before it writes a dead letter, once these are all waiting for it."""

        def are_given_up() -> bool:
            pending = self.simulator.pending_deliveries()
            return [one["stage"] for one in pending] == ["dead-lettering"] * subscriptions

        self.wait_until(are_given_up, f"Event Grid has given up {subscriptions} deliveries")
        self.simulator.advance(301)

    def wait_until_archived(self, recording_id: str, chunks: int, patience: float = PATIENCE_SECONDS) -> list[JSON]:
        """The chunks of a recording, once all are finished."""

        def is_finished() -> bool:
            found = self.chunks(recording_id)
            return len(found) == chunks and all(chunk["finished"] for chunk in found)

        self.wait_until(is_finished, f"{chunks} chunks are finished", patience)
        return self.chunks(recording_id)

    def chunks(self, recording_id: str) -> list[JSON]:
        """What the app says of a recording's chunks; none while it does not know the recording."""
        answer = urllib3.request("GET", f"{self.world.host_url}/api/recordings/{recording_id}", timeout=30.0)
        return list(json.loads(answer.data)["chunks"]) if answer.status == 200 else []

    def archived(self) -> dict[str, str]:
        """Every media blob of the archive by name, with its SHA-256."""
        return {name: hashlib.sha256(data).hexdigest() for name, data in self._blobs("recordings") if _is_media(name)}

    def archived_of(self, made: list[JSON]) -> list[str]:
        """The digests of the archived blobs that belong to these objects of the simulator."""
        wanted = [one["documentId"] for one in made]
        latest = {(without_version(name), version_of(name)): digest for name, digest in self.archived().items()}
        return sorted(
            digest
            for (stem, version), digest in latest.items()
            if any(id_ in stem for id_ in wanted) and (stem, version + 1) not in latest
        )

    def quarantined(self) -> list[JSON]:
        """Every quarantine entry."""
        return [json.loads(data) for _, data in self._blobs(QUARANTINE)]

    def quarantine_reason_of(self, mark: str) -> str | None:
        """Why the payload that holds this mark is in quarantine; None when it is not."""
        return next((entry["reason"] for entry in self.quarantined() if mark in json.dumps(entry)), None)

    def _blobs(self, container: str) -> list[tuple[str, bytes]]:
        with BlobServiceClient.from_connection_string(self.world.storage) as service:
            client = service.get_container_client(container)
            if not client.exists():
                return []
            return [(blob.name, client.download_blob(blob.name).readall()) for blob in client.list_blobs()]


def _locations(document_id: str) -> JSON:
    return {
        "contentLocation": f"https://storage.asm.skype.com/v1/objects/{document_id}/content/video",
        "metadataLocation": f"https://storage.asm.skype.com/v1/objects/{document_id}/content/acsmetadata",
        "deleteLocation": f"https://us-storage.asm.skype.com/v1/objects/{document_id}",
    }


def _is_media(name: str) -> bool:
    return not name.endswith(".json") and ".suspect-" not in name


def digests(made: list[JSON]) -> list[str]:
    """The digests of what the simulator made."""
    return sorted(one["sha256"] for one in made)
