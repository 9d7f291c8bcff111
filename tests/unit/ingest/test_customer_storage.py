"""Files that ACS exports into the customer's own containers."""

import pytest

from dev.in_memory.builders import (
    CONTAINER,
    event_file,
)
from dev.in_memory.world import World, world
from recording.domain.formats import FormatType
from recording.domain.state.chunk import Home


def test_a_file_in_the_customers_container_is_the_customers(here: World) -> None:
    """Its task says so, and everything after follows from that."""
    here.announces(event_file("event_grid_external_storage"))
    (sent,) = here.fakes.queue.tasks
    assert (sent.home, sent.delete_location, sent.format) == (Home.EXTERNAL, None, FormatType.MP3)


def test_an_export_that_failed_is_archived_from_acs(here: World) -> None:
    """The event then names ACS's own storage, where it lies for a day."""
    here.announces(event_file("event_grid_external_export_failed"))
    (sent,) = here.fakes.queue.tasks
    assert (sent.home, sent.delete_location is not None) == (Home.ACS, True)


@pytest.mark.parametrize("storage", ["AzureBlob", "blobstorage", "External"])
@pytest.mark.parametrize(
    "spelling",
    [CONTAINER, CONTAINER.replace(".net/", ".net:443/"), CONTAINER.replace("customer", "Customer"), f" {CONTAINER}"],
)
def test_a_container_is_found_however_its_host_and_the_storage_are_spelt(
    here: World, storage: str, spelling: str
) -> None:
    """A host is one host however it is spelt, and the word for the customer's storage is not documented."""
    told = event_file("event_grid_external_storage")
    told["data"]["storageType"] = storage
    (raw,) = told["data"]["recordingStorageInfo"]["recordingChunks"]
    plain = raw["contentLocation"]
    raw["contentLocation"] = plain.replace(CONTAINER, spelling)
    here.announces(told)
    (sent,) = here.fakes.queue.tasks
    assert (sent.home, sent.content_location, sent.delete_location) == (Home.EXTERNAL, plain, None)


def test_a_container_that_is_not_configured_is_refused() -> None:
    """Our identity must not read what an event chooses."""
    here = world(external_containers=())
    here.announces(event_file("event_grid_external_storage"))
    assert here.fakes.quarantine.reasons == ["foreign_host"]


@pytest.mark.parametrize("delete", [f"{CONTAINER}/a.mp3", "https://evil.example/x", "nonsense"])
def test_an_external_file_is_never_deleted_whatever_its_event_says(delete: str) -> None:
    """It is the customer's only copy."""
    here = world()
    told = event_file("event_grid_external_storage")
    told["data"]["recordingStorageInfo"]["recordingChunks"][0]["deleteLocation"] = delete
    here.announces(told)
    (sent,) = here.fakes.queue.tasks
    here.fakes.external.objects |= {sent.content_location: b"\xff" * 10, sent.metadata_location or "": b"{}"}
    here.runs(hours=30)
    assert here.source.calls == []
