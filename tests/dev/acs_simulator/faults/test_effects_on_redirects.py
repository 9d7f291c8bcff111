"""Where a scripted redirect leads, as the untouched SDK follows it."""

from azure.communication.callautomation import CallAutomationClient

from dev.acs_simulator.threaded import SimulatorHandle
from tests.dev.acs_simulator.faults.effects import LENGTH, raw
from tests.dev.acs_simulator.helpers import CONTENT, DELETE, download, make_object


def test_a_redirect_can_lead_to_another_object(simulator: SimulatorHandle, sdk: CallAutomationClient) -> None:
    """The SDK follows it and hands over the bytes of B as A: a guard must compare the object at each hop."""
    first, second = make_object(simulator, durationMs=1000), make_object(simulator, durationMs=2000)
    simulator.client.add_fault(
        "content", "odd_redirect", to="other_object", other_document_id=second["documentId"], times=None
    )
    got = download(sdk, CONTENT.format(first["documentId"]))
    assert len(got.body) == second["lengthBytes"] != first["lengthBytes"]


def test_a_delete_can_be_redirected_to_another_object(simulator: SimulatorHandle) -> None:
    """What it names must not be deleted in its place."""
    first, second = make_object(simulator), make_object(simulator)
    simulator.client.add_fault(
        "delete", "odd_redirect", to="other_object", other_document_id=second["documentId"], status=307
    )
    answer = raw(simulator, "DELETE", DELETE.format(first["documentId"]))
    assert (answer.status, answer.headers["Location"]) == (
        307,
        f"https://sa1-storage.asm.skype.com/v1/objects/{second['documentId']}",
    )
    assert [one["deletedAt"] for one in simulator.client.objects()] == [None, None]


def test_a_redirect_to_a_port_ends_at_its_target_however_often_it_strikes(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """`Always` must mean each first hop, not a circle."""
    url = CONTENT.format(make_object(simulator)["documentId"])
    simulator.client.add_fault("content", "odd_redirect", to="port_443", times=None)
    assert [len(download(sdk, url).body) for _ in range(2)] == [LENGTH, LENGTH]


def test_a_redirect_to_a_foreign_host_reaches_only_the_proxy(
    simulator: SimulatorHandle, sdk: CallAutomationClient
) -> None:
    """The SDK follows it; the journal shows the contact that a guard must prevent."""
    stored = make_object(simulator)
    simulator.client.add_fault("content", "redirect", location="https://files.example.org/v1/x")
    download(sdk, CONTENT.format(stored["documentId"]))
    assert [entry["host"] for entry in simulator.client.foreign_contacts()] == ["files.example.org"]
