"""Writes finished files into the customer's own container, as bring-your-own-storage does."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient, ContainerClient

from dev.acs_simulator.events.file_status import ExportedChunk
from dev.acs_simulator.state.identifiers import new_guid
from dev.acs_simulator.state.model import Recording, StoredObject


def export(
    recording: Recording, stored: Sequence[StoredObject], connection_strings: Sequence[str], times: int = 1
) -> dict[str, ExportedChunk]:
    """Return where the chunks went, by document id; nothing when the container cannot be written, which ACS then tells.

    Exports of the private preview were randomly duplicated: `times` writes them that often, under new names, and the
    last place is told. Blocks: call it in a thread.
    """
    container = _container(recording.container_url or "", connection_strings)
    if container is None:
        return {}
    try:
        with container:
            places: dict[str, ExportedChunk] = {}
            for _ in range(times):
                folder = _folder(recording)
                places = {one.document_id: _write(container, folder, one) for one in stored}
            return places
    except AzureError:
        return {}


def _container(url: str, connection_strings: Sequence[str]) -> ContainerClient | None:
    """Return a client for the container, if it is in one of the accounts we may write to."""
    for connection_string in connection_strings:
        with BlobServiceClient.from_connection_string(connection_string) as account:
            prefix = account.url.rstrip("/") + "/"
        if url.startswith(prefix):
            name = urlsplit(url).path.rstrip("/").rpartition("/")[2]
            return ContainerClient.from_connection_string(connection_string, name)
    return None


def _folder(recording: Recording) -> str:
    """`{YYYYMMDD}/{callId}/{first 8 of recordingId}-{guid}`, as the quickstart shows it."""
    day = f"{recording.started_at:%Y%m%d}"
    return f"{day}/{recording.call.call_id}/{recording.recording_id[:8]}-{new_guid()}"


def _write(container: ContainerClient, folder: str, stored: StoredObject) -> ExportedChunk:
    sound_or_picture = "audiovideo" if stored.spec.content == "audioVideo" else "audio"
    media_name = f"{stored.index}-{sound_or_picture}{stored.spec.format}.{stored.document_id}.{stored.spec.format}"
    metadata_name = f"{stored.index}-acsmetadata.{stored.document_id}.json"
    with stored.path.open("rb") as media:
        content_url = container.upload_blob(f"{folder}/{media_name}", media).url
    metadata_url = container.upload_blob(f"{folder}/{metadata_name}", stored.metadata).url
    return ExportedChunk(content_url, metadata_url)
