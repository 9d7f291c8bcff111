"""Faults that drip, delay, cut or wait for the clock, on the wire."""

import time

import pytest
from azure.communication.callautomation import CallAutomationClient

from dev.acs_simulator.threaded import SimulatorHandle
from tests.dev.acs_simulator.faults.effects import LENGTH, raw
from tests.dev.acs_simulator.helpers import CONTENT, DELETE, METADATA, download, make_object


@pytest.mark.parametrize("kind", ["drip_headers", "drip_body"])
@pytest.mark.parametrize("operation", ["metadata", "delete", "get_recording"])
def test_every_answer_can_drip(simulator: SimulatorHandle, operation: str, kind: str) -> None:
    """A limit on one read is no limit on a request: each byte comes in time, the whole never does."""
    stored = make_object(simulator)
    method, url = {
        "metadata": ("GET", METADATA.format(stored["documentId"])),
        "delete": ("DELETE", DELETE.format(stored["documentId"])),
        "get_recording": ("GET", f"{simulator.addresses.endpoint}/calling/recordings/x?api-version=2026-03-12"),
    }[operation]
    simulator.client.add_fault(operation, kind, every_seconds=0.002, bytes=4)
    began = time.monotonic()
    answer = raw(simulator, method, url)
    assert answer.status == {"metadata": 200, "delete": 200, "get_recording": 404}[operation]
    assert time.monotonic() - began > 0.002 * 10
    assert simulator.client.journal(fault=kind)[0]["status"] == answer.status
    if operation == "delete":
        assert simulator.client.objects()[0]["deletedAt"] is not None


def test_a_client_that_leaves_a_drip_leaves_nothing_behind(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """A drip of hours must not keep the simulator from stopping."""
    simulator.client.add_fault("content", "drip_body", every_seconds=3600)
    got = download(sdk, CONTENT.format(make_object(simulator)["documentId"]), read_timeout=0.2)
    assert got.error is not None


@pytest.mark.parametrize("status", [401, 429, 503])
def test_a_fault_can_wait_until_acs_has_forgotten(
    simulator: SimulatorHandle, sdk: CallAutomationClient, status: int
) -> None:
    """Past the deadline only 404 and 410 prove that it is gone; everything else proves nothing."""
    url = CONTENT.format(make_object(simulator)["documentId"])
    simulator.client.add_fault("content", "status", status=status, only_expired=True)
    assert download(sdk, url).status == 200
    simulator.client.advance(25 * 3600)
    assert [download(sdk, url).status for _ in range(2)] == [status, 404]


def test_the_journal_says_how_much_was_sent_before_a_cut(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """A resume is judged by the bytes that really left."""
    stored = make_object(simulator)
    simulator.client.add_fault("content", "cut", sent_bytes=1000)
    download(sdk, CONTENT.format(stored["documentId"]), headers={"Range": "bytes=10-"})
    (entry,) = simulator.client.journal(operation="content")
    told = {name: entry[name] for name in ("status", "bytesSent", "range", "fault", "documentId", "credential")}
    assert told == {
        "status": 206,
        "bytesSent": 1000,
        "range": "bytes=10-",
        "fault": "cut",
        "documentId": stored["documentId"],
        "credential": "access_key",
    }


def test_a_delay_ends_when_the_clock_is_moved(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """An answer after half a minute must not cost half a minute of a test."""
    import threading

    url = CONTENT.format(make_object(simulator)["documentId"])
    simulator.client.add_fault("content", "delay", seconds=30)
    began = time.monotonic()
    mover = threading.Thread(target=lambda: move_when_struck(simulator))
    mover.start()
    assert len(download(sdk, url).body) == LENGTH
    mover.join()
    assert time.monotonic() - began < 20


def move_when_struck(simulator: SimulatorHandle) -> None:
    simulator.client.wait_until(lambda: simulator.client.journal(fault="delay"))
    simulator.client.advance(30)
