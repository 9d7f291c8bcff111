"""Exports over real storage: the queue's message, and a bundle that Azurite commits from our blocks."""

import base64
import hashlib
import json
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from azure.storage.queue import QueueServiceClient

from dev.in_memory.builders import metadata, record
from dev.in_memory.fakes.ports import Fakes
from recording.adapters.blob.archive import BlobArchive
from recording.adapters.storage_queue import StorageExports
from recording.domain.archived.exports import BundledFile, bundle_name
from recording.domain.archived.layout import metadata_name
from recording.domain.names import EXPORT_CONTAINER, EXPORTS_QUEUE
from recording.domain.state.chunk import ChunkState
from recording.domain.state.recording import RecordingRecord
from recording.library.handover import bundle as bundling
from recording.library.handover.bundle import BLOCK_BYTES, Bundle
from recording.library.handover.export import export_message, get_export, request_export
from recording.ports import Ports
from recording.ports.library.exports import ExportPorts
from recording.settings import Settings

pytestmark = pytest.mark.azurite


SOUND = bytes(range(251)) * ((2 * BLOCK_BYTES + 70_001) // 251)  # two blocks and a part


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


@pytest.fixture
def bundle(storage: Settings, tmp_path: Path) -> Iterator[Path]:
    """A bundle that was asked for, made and read through the adapters, in a file."""
    with (
        closing(BlobArchive(storage)) as archive,
        closing(StorageExports(storage)) as queue,
        closing(BlobArchive(storage.model_copy(update={"archive_container": EXPORT_CONTAINER}))) as store,
    ):
        fakes = Fakes()
        ports = replace(fakes.ports, archive=archive, exports=ExportPorts(queue, store))
        made = _archived(fakes, ports)
        asked = request_export({"recordings": [made]}, "carol", ports, storage)
        export_message(_message_of(storage), ports, storage)
        told = get_export(str(asked["exportId"]), ports)
        assert (told["state"], told["leftOutCount"]) == ("done", 0)
        path = tmp_path / "bundle.zip"
        with path.open("wb") as file:
            file.writelines(store.read(bundle_name(str(asked["exportId"]))))
        assert path.stat().st_size == told["lengthBytes"] > len(SOUND)
        yield path


def _archived(fakes: Fakes, ports: Ports) -> str:
    made = record(ChunkState.SOURCE_DELETED, length_bytes=len(SOUND), sha256=hashlib.sha256(SOUND).hexdigest())
    fakes.catalog.add_chunk(made)
    recording_id = made.task.recording_id
    fakes.catalog.add_recording(RecordingRecord(recording_id=recording_id, folder=made.task.folder))
    assert made.blob_name is not None
    ports.archive.put_once(made.blob_name, SOUND, "audio/wav")
    ports.archive.put_once(metadata_name(made.blob_name), metadata(), "application/json")
    return recording_id


def _message_of(storage: Settings) -> str:
    """Return the message as the host hands it to the function."""
    connection = storage.host_storage.connection_string
    assert connection is not None
    text = connection.get_secret_value()
    with QueueServiceClient.from_connection_string(text) as service, service.get_queue_client(EXPORTS_QUEUE) as queue:
        (message,) = queue.receive_messages(max_messages=1)
        queue.delete_message(message)
    return base64.b64decode(message.content).decode()


def test_every_entry_of_a_bundle_says_its_sizes_in_the_field_of_zip64(bundle: Path) -> None:
    """So a small bundle is read by the same way as one of 10 GB: the old fields are full, and the new ones count."""
    raw = bundle.read_bytes()
    with zipfile.ZipFile(bundle) as opened:
        assert opened.testzip() is None
        (sound,) = [info for info in opened.infolist() if info.filename.endswith(".wav")]
        assert opened.read(sound) == SOUND
        for info in opened.infolist():
            told = struct.unpack_from("<IIHH", raw, info.header_offset + 18)
            extra = raw[info.header_offset + 30 + told[2] :][: told[3]]
            assert told[:2] == (0xFFFFFFFF,) * 2
            assert struct.unpack("<HHQQ", extra) == (1, 16, info.file_size, info.file_size)
    assert raw[-22:-18] + raw[-42:-38] == b"PK\x05\x06PK\x06\x07"


TOOLS = {
    "unzip": ["unzip", "-q", "{bundle}", "-d", "{folder}"],
    "7z": ["7z", "x", "-y", "-o{folder}", "{bundle}"],
    "bsdtar": ["bsdtar", "-x", "-f", "{bundle}", "-C", "{folder}"],
    "jar": ["jar", "xf", "{bundle}"],
    "python": [sys.executable, "-m", "zipfile", "-e", "{bundle}", "{folder}"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_a_public_tool_unpacks_it_and_its_sums_fit(bundle: Path, tmp_path: Path, tool: str) -> None:
    """Readers of their own making, one of which somebody will have."""
    command = TOOLS[tool]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{tool} is not installed here")
    folder = tmp_path / "unpacked"
    folder.mkdir()
    words = [word.format(bundle=bundle, folder=folder) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (sound,) = folder.rglob("*.wav")
    assert sound.read_bytes() == SOUND
