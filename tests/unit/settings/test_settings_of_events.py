"""Settings of outgoing events: a receiver of a tenant, and a secret that is not there, which stops nothing."""

import base64
import json
from typing import Any

import pytest

from recording import wiring
from recording.domain.outgoing.delivery import Result
from recording.domain.outgoing.endpoints import TOPIC_WAY, UNRESOLVED_WAY
from recording.errors.codes import Code
from recording.settings import SettingsError, read_settings

ACCOUNT = "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=YWNjb3VudC1rZXk="
GOOD = {
    "ACS_ENDPOINT": "https://contoso.communication.azure.com",
    "AzureWebJobsStorage": ACCOUNT,
    "ARCHIVE_STORAGE": ACCOUNT,
    "WEBHOOK_HOSTS": "hooks.contoso.com",
}
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
REFERENCE = "@Microsoft.KeyVault(SecretUri=https://kv-hooks.vault.azure.net/secrets/webhooks)"
TENANTS = json.dumps({"tenants": [{"name": "fx"}]})


def hook(**changes: Any) -> str:
    return json.dumps([{"name": "crm", "url": "https://hooks.contoso.com/in", "secrets": [SECRET], **changes}])


def fault(**given: str) -> str | None:
    return {one.name: one.fault for one in read_settings(GOOD | given).set_aside}.get("WEBHOOKS")


def test_an_endpoint_may_be_bound_to_a_tenant_that_there_is() -> None:
    """A misspelt name would be an endpoint that never hears of anything."""
    found = read_settings(GOOD | {"WEBHOOKS": hook(tenant="fx"), "TENANTS": TENANTS})
    assert [one.tenant for one in found.webhooks] == ["fx"]
    assert read_settings(GOOD | {"WEBHOOKS": hook(), "TENANTS": TENANTS}).webhooks[0].tenant is None
    told = "has a tenant at crm that TENANTS does not name"
    assert fault(WEBHOOKS=hook(tenant="health"), TENANTS=TENANTS) == told
    assert fault(WEBHOOKS=hook(tenant="fx")) == told


def test_a_fault_in_the_tenants_is_told_once() -> None:
    """The endpoints are not blamed for it."""
    with pytest.raises(SettingsError) as told:
        read_settings(GOOD | {"WEBHOOKS": hook(tenant="fx"), "TENANTS": "{"})
    assert set(told.value.faults) == {"TENANTS"}


@pytest.mark.parametrize("name", [TOPIC_WAY, UNRESOLVED_WAY])
def test_no_endpoint_has_the_name_of_another_way(name: str) -> None:
    """Their progress would be one."""
    assert fault(WEBHOOKS=hook(name=name)) is not None


def test_a_reference_that_nobody_could_follow_stops_nothing() -> None:
    """The app archives as ever (I14), and nothing of the reference is repeated."""
    found = read_settings(GOOD | {"WEBHOOKS": REFERENCE})
    assert found.webhooks == ()
    assert found.webhooks_missing
    assert found.sends_events
    assert "kv-hooks" not in repr(found)
    assert not read_settings(GOOD | {"WEBHOOKS": hook()}).webhooks_missing
    assert not read_settings(GOOD).sends_events


def test_its_events_wait_for_an_app_that_knows_its_endpoints() -> None:
    """Every one is refused, with a code that says what to do; none is lost."""
    outgoing = wiring._outgoing(read_settings(GOOD | {"WEBHOOKS": REFERENCE}))
    assert outgoing is not None
    (way,) = outgoing.ways
    assert way.name == UNRESOLVED_WAY
    assert way.tenant is None
    for answer in (way.send(None, None), way.probe(None)):  # type: ignore[arg-type]  # it looks at neither
        assert (answer.result, answer.code) == (Result.WAITS, Code.WEBHOOKS_UNRESOLVED)


@pytest.mark.parametrize("name", ["EVENTS_TOPIC_KEY", "EVENTS_TOPIC_CLIENT_ID", "EVENTS_TOPIC_ENDPOINT"])
def test_a_reference_is_never_taken_for_the_topics_key(name: str) -> None:
    """The events wait under a name and a code, and the app archives."""
    topic = {"EVENTS_TOPIC_ENDPOINT": "https://contoso.eventgrid.azure.net/api/events"}
    found = read_settings(GOOD | topic | {name: REFERENCE})
    assert (found.events_topic, found.events_wait) == (None, True)
    assert [(one.name, one.fault) for one in found.set_aside] == [
        (name, "is a Key Vault reference that the platform could not follow")
    ]
    outgoing = wiring._outgoing(found)
    assert outgoing is not None
    assert [way.name for way in outgoing.ways] == [UNRESOLVED_WAY]


@pytest.mark.parametrize(
    "spelling", [REFERENCE, REFERENCE.lower(), f"  {REFERENCE}", "@Microsoft.KeyVault(VaultName=v)"]
)
@pytest.mark.parametrize("name", ["ACS_CONNECTION_STRING", "ARCHIVE_STORAGE", "INDEX_KEY", "ACS_CLIENT_ID", "SEAL_KEY"])
def test_a_reference_is_never_taken_for_any_other_value(name: str, spelling: str) -> None:
    """What the line needs stops the app, and says why, without repeating it."""
    with pytest.raises(SettingsError) as told:
        read_settings(GOOD | {name: spelling})
    assert told.value.faults[name] == "is a Key Vault reference that the platform could not follow"
