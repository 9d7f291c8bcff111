"""Bring-your-own-storage: what goes to the customer's container, and what an event says of a half export."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from azure.communication.callautomation import CallAutomationClient
from azure.storage.blob import ContainerClient

from dev.acs_simulator.client import JSON
from dev.acs_simulator.options import SimulatorOptions
from dev.acs_simulator.threaded import SimulatorHandle, run_in_thread
from dev.azurite import Azurite
from tests.dev.acs_simulator.helpers import record, sdk_for

pytestmark = pytest.mark.azurite


@pytest.fixture
def container(azurite: Azurite) -> Iterator[ContainerClient]:
    name = f"own-{uuid.uuid4().hex[:12]}"
    with ContainerClient.from_connection_string(azurite.connection_string, name) as client:
        client.create_container()
        yield client


@pytest.fixture
def simulator(azurite: Azurite) -> Iterator[SimulatorHandle]:
    with run_in_thread(SimulatorOptions(blob_connection_strings=(azurite.connection_string,))) as handle:
        yield handle


def told_after(simulator: SimulatorHandle, container: ContainerClient) -> JSON:
    """The data of the event of a recording that was to go to the container."""
    with sdk_for(simulator) as sdk:
        record(simulator, sdk, recording_storage=storage_of(container))
    simulator.client.advance(5)
    (event,) = simulator.client.wait_until(simulator.client.events)
    data: JSON = event["data"]
    return data


def storage_of(container: ContainerClient) -> Any:
    from azure.communication.callautomation import AzureBlobContainerRecordingStorage

    return AzureBlobContainerRecordingStorage(container.url)


def chunk_of(data: JSON) -> JSON:
    chunk: JSON = data["recordingStorageInfo"]["recordingChunks"][0]
    return chunk


def test_a_whole_export_names_nothing_at_acs(simulator: SimulatorHandle, container: ContainerClient) -> None:
    """Both locations are the customer's, and there is nothing to delete."""
    data = told_after(simulator, container)
    chunk = chunk_of(data)
    assert data["storageType"] == "AzureBlob"
    assert chunk["contentLocation"].startswith(container.url)
    assert chunk["metadataLocation"].startswith(container.url)
    assert "deleteLocation" not in chunk


@pytest.mark.parametrize(
    ("exported", "there", "at_acs"),
    [("metadata", "metadataLocation", "contentLocation"), ("content", "contentLocation", "metadataLocation")],
)
def test_half_an_export_has_a_home_for_each_location(
    simulator: SimulatorHandle, container: ContainerClient, exported: str, there: str, at_acs: str
) -> None:
    """Each location has a home of its own; the object stays at ACS until it is deleted there."""
    simulator.client.add_fault("export", "export_half", exported=exported)
    chunk = chunk_of(told_after(simulator, container))
    assert chunk[there].startswith(container.url)
    assert chunk[at_acs].startswith("https://storage.asm.skype.com/v1/objects/")
    assert chunk["deleteLocation"].startswith("https://us-storage.asm.skype.com/v1/objects/")
    assert simulator.client.objects()[0]["isReadable"] is True


def test_an_export_that_failed_is_told_like_any_other_recording(
    simulator: SimulatorHandle, container: ContainerClient, sdk: CallAutomationClient
) -> None:
    """ACS falls back to its own storage."""
    simulator.client.add_fault("export", "export_failed")
    data = told_after(simulator, container)
    assert "storageType" not in data
    assert chunk_of(data)["contentLocation"].startswith("https://storage.asm.skype.com/")
