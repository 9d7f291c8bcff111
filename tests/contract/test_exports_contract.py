"""Exports over real storage: the queue's message, and a bundle that Azurite commits from our blocks."""

import base64
import json
import zipfile
from io import BytesIO

import pytest
from azure.storage.queue import QueueServiceClient

from recording.adapters.blob.archive import BlobArchive
from recording.adapters.storage_queue import StorageExports
from recording.domain.archived.exports import BundledFile
from recording.domain.names import EXPORT_CONTAINER, EXPORTS_QUEUE
from recording.library.handover import bundle as bundling
from recording.library.handover.bundle import Bundle
from recording.settings import Settings

pytestmark = pytest.mark.azurite


def test_the_message_is_what_the_function_reads(storage: Settings) -> None:
    adapter = StorageExports(storage)
    adapter.send("export-1")
    adapter.close()
    connection = storage.host_storage.connection_string
    assert connection is not None
    text = connection.get_secret_value()
    with QueueServiceClient.from_connection_string(text) as service, service.get_queue_client(EXPORTS_QUEUE) as queue:
        (message,) = queue.receive_messages(max_messages=1)
        queue.clear_messages()
    assert json.loads(base64.b64decode(message.content)) == {"exportId": "export-1"}


def test_a_bundle_of_several_parts_is_committed_once(storage: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of two parts, staged in any order and once more, become one archive."""
    monkeypatch.setattr(bundling, "BLOCK_BYTES", 50_000)
    store = BlobArchive(storage.model_copy(update={"archive_container": EXPORT_CONTAINER}))
    name, files, blocks, length = "e1/bundle.zip", list[BundledFile](), list[str](), 0
    for part in range(2):
        for _ in range(2):  # the first try died
            made = Bundle(name, part, length, store)
            made.add(f"{part}/a.json", b"{}")
            made.stream(f"{part}/sound.wav", [bytes([part + 1]) * 40_000] * 4)
            made.add(f"{part}/b.json", b"[]")
            staged = made.blocks
        files += made.files
        blocks += staged
        length += made.length_bytes
    end = Bundle(name, 2, length, store)
    end.end(files)
    assert store.commit(name, [*blocks, *end.blocks], "application/zip", {})
    whole = b"".join(store.read(name))
    store.close()
    assert len(whole) == length + end.length_bytes
    with zipfile.ZipFile(BytesIO(whole)) as opened:
        assert opened.testzip() is None
        assert [info.file_size for info in opened.infolist()] == [2, 160_000, 2] * 2
